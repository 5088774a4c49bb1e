// Draws every chart of the page. `ast` interprets expressions, because the page's policy evaluates none.
const options = { actions: false, ast: true, defaultStyle: false, mode: "vega-lite", renderer: "svg", tooltip: false };

// On a narrow screen, names beside an axis must leave room for what is drawn.
const narrow = (key, value) => (key === "labelLimit" ? Math.min(value, 120) : key === "columns" ? 2 : value);

async function draw(place) {
  const written = document.getElementById(place.dataset.chart).textContent;
  const specification = JSON.parse(written, place.clientWidth < 480 ? narrow : undefined);
  await vegaEmbed(place, specification, options);
  // The place itself is the image and says what is in it.
  place.querySelector("svg").setAttribute("aria-hidden", "true");
}

const places = [...document.querySelectorAll("[data-chart]")];
Promise.all(places.map(draw)).then(() => {
  document.documentElement.dataset.drawn = String(places.length);
});
