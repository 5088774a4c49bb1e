"""Every candidate is sealed, verified and loaded by the same rules."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from scorewright.bundle.contents import Bundle, open_bundle, seal
from scorewright.bundle.manifest import PROTOCOL
from scorewright.bundle.scorer import Scorer, Scores
from scorewright.errors import BundleCorruptError, BundleError, BundleProtocolError
from scorewright.flows.plan import Plan
from scorewright.flows.train import Shelves, train
from scorewright.registry.folder_registry import FolderRegistry
from scorewright.tables.drafting import draft_portfolio
from scorewright.tables.loading import load_tables, open_data
from scorewright.tables.portfolio import load_portfolio
from tests.made_up import loans

CANDIDATES = ("dummy", "logistic_regression", "random_forest", "lightgbm")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "loans.csv"
    loans().write_csv(path)
    return path


@pytest.fixture(scope="module")
def sealed(data: Path) -> dict[str, Path]:
    """One bundle of each candidate, by name."""
    place = data.parent
    draft_portfolio(data, "status", place / "book")
    registry = FolderRegistry(place / "registry")
    trained = train(
        load_portfolio(place / "book"), data, Plan(pictures=False, repeats=1), Shelves(registry, place / "bundles")
    )
    return {record.name: place / "bundles" / record.bundle for record in trained.record.candidates}


@pytest.fixture
def spoilt(sealed: dict[str, Path], tmp_path: Path) -> Path:
    """A copy to spoil; the forest's, because it has most files."""
    return Path(shutil.copytree(sealed["random_forest"], tmp_path / "bundle"))


@pytest.mark.parametrize("candidate", CANDIDATES)
def test_sealing_what_was_loaded_gives_the_same_hash(sealed: dict[str, Path], tmp_path: Path, candidate: str) -> None:
    bundle = open_bundle(sealed[candidate], expected=sealed[candidate].name)
    digest, folder = seal(bundle.contents, tmp_path)
    assert digest == bundle.digest == sealed[candidate].name
    assert {p.relative_to(folder) for p in folder.rglob("*")} == {
        p.relative_to(sealed[candidate]) for p in sealed[candidate].rglob("*")
    }


@pytest.mark.parametrize("candidate", CANDIDATES)
def test_nothing_in_a_bundle_is_executable(sealed: dict[str, Path], candidate: str) -> None:
    endings = {path.suffix for path in sealed[candidate].rglob("*") if path.is_file()}
    assert endings <= {".json", ".toml", ".sql", ".txt", ".md"}


@pytest.mark.parametrize("candidate", CANDIDATES)
def test_contributions_sum_to_the_score(sealed: dict[str, Path], data: Path, candidate: str) -> None:
    scorer = Scorer(open_bundle(sealed[candidate]))
    scores, bundle = _scored(scorer, data), scorer.bundle
    contributions = scorer.contributions(scores.matrix)
    assert contributions.shape == (len(scores.pd), len(scores.matrix.columns) + 1)
    np.testing.assert_allclose(contributions.sum(axis=1), bundle.contents.model.score(scores.matrix.values), atol=1e-9)


@pytest.mark.parametrize("candidate", CANDIDATES)
def test_pds_are_frequencies_whatever_the_class_weights(sealed: dict[str, Path], data: Path, candidate: str) -> None:
    bundle = open_bundle(sealed[candidate])
    scores = _scored(Scorer(bundle), data)
    rate = (loans()["status"] == "charged off").mean()
    assert scores.pd.mean() == pytest.approx(rate, abs=0.05)
    assert ((scores.pd >= bundle.contents.policy.threshold) == scores.refused).all()


def _scored(scorer: Scorer, data: Path) -> Scores:
    portfolio = scorer.bundle.contents.portfolio
    return scorer.score(load_tables(open_data(portfolio, data), "score", scorer.sealed).tables)


def test_the_made_up_example_is_accepted(sealed: dict[str, Path]) -> None:
    scorer = Scorer(open_bundle(sealed["lightgbm"]))
    assert 0 <= scorer.score(scorer.read(scorer.example())).pd[0] <= 1


def test_every_byte_counts(spoilt: Path) -> None:
    for path in sorted(p for p in spoilt.rglob("*") if p.is_file()):
        content = path.read_bytes()
        changed = bytearray(content)
        changed[len(changed) // 2] ^= 1
        path.write_bytes(changed)
        with pytest.raises(BundleError):
            open_bundle(spoilt, expected=spoilt.name if path.name == "manifest.json" else None)
        path.write_bytes(content)


def test_a_file_more_or_less_is_noticed(spoilt: Path) -> None:
    (spoilt / "model" / "extra.py").write_text("import os")
    with pytest.raises(BundleCorruptError, match="extra.py"):
        open_bundle(spoilt)
    (spoilt / "model" / "extra.py").unlink()
    (spoilt / "policy.json").unlink()
    with pytest.raises(BundleCorruptError, match="policy.json"):
        open_bundle(spoilt)


def test_another_bundle_than_the_registered_one_is_refused(sealed: dict[str, Path]) -> None:
    with pytest.raises(BundleCorruptError, match="registered"):
        open_bundle(sealed["lightgbm"], expected=sealed["dummy"].name)


@pytest.mark.parametrize("protocol", [PROTOCOL + 1, 0, 10**9])
def test_a_protocol_that_is_not_read_is_named(spoilt: Path, protocol: int) -> None:
    manifest = json.loads((spoilt / "manifest.json").read_bytes())
    (spoilt / "manifest.json").write_text(json.dumps({**manifest, "protocol": protocol, "future": []}))
    with pytest.raises(BundleProtocolError, match=str(protocol)):
        open_bundle(spoilt)


def rewritten(folder: Path, name: str, content: bytes) -> Bundle:
    """Open a bundle whose manifest vouches for a changed file: verification passes, construction must still hold."""
    from scorewright.bundle.manifest import sha256

    manifest = json.loads((folder / "manifest.json").read_bytes())
    manifest["files"][name] = sha256(content)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / name).write_bytes(content)
    return open_bundle(folder)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"null", b"\xff\xfe", b'{"tables": 3}', b"[" * 100_000])
@pytest.mark.parametrize("name", ["contract.json", "columns.json", "policy.json", "calibration.json", "profile.json"])
def test_a_vouched_for_file_that_makes_no_sense_is_corrupt(spoilt: Path, name: str, content: bytes) -> None:
    with pytest.raises(BundleCorruptError):
        rewritten(spoilt, name, content)


@pytest.mark.parametrize("name", ["../outside.json", "/etc/passwd", "a/../../b", ""])
def test_a_manifest_cannot_point_outside(spoilt: Path, name: str) -> None:
    manifest = json.loads((spoilt / "manifest.json").read_bytes())
    manifest["files"][name] = "0" * 64
    (spoilt / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BundleCorruptError):
        open_bundle(spoilt)


@pytest.mark.parametrize("name", ["contract.json", "columns.json", "profile.json", "metrics.json", "card.md"])
def test_a_manifest_that_vouches_for_less_than_a_model_is_corrupt(spoilt: Path, name: str) -> None:
    manifest = json.loads((spoilt / "manifest.json").read_bytes())
    del manifest["files"][name]
    (spoilt / "manifest.json").write_text(json.dumps(manifest))
    (spoilt / name).unlink()
    with pytest.raises(BundleCorruptError, match=name):
        open_bundle(spoilt)


@pytest.mark.parametrize("folder", ["portfolio", "model"])
def test_a_bundle_without_its_portfolio_or_model_is_corrupt(spoilt: Path, folder: str) -> None:
    manifest = json.loads((spoilt / "manifest.json").read_bytes())
    manifest["files"] = {name: digest for name, digest in manifest["files"].items() if not name.startswith(folder)}
    (spoilt / "manifest.json").write_text(json.dumps(manifest))
    shutil.rmtree(spoilt / folder)
    with pytest.raises(BundleCorruptError):
        open_bundle(spoilt)


@pytest.mark.parametrize("protocol", ["1e999", "-1e999", "NaN", "1.0", "true", "null", '"1"', "[1]", "9" * 5000])
def test_a_protocol_that_is_no_whole_number_is_corrupt(spoilt: Path, protocol: str) -> None:
    manifest = json.loads((spoilt / "manifest.json").read_bytes())
    text = json.dumps({**manifest, "protocol": "HERE"}).replace('"HERE"', protocol)
    (spoilt / "manifest.json").write_text(text)
    with pytest.raises(BundleCorruptError, match="protocol"):
        open_bundle(spoilt)


@pytest.mark.parametrize("field", ["kind", "portfolio", "candidate", "fingerprint", "seed", "versions", "files"])
@pytest.mark.parametrize("value", [None, 1.5, [], [{}]])
def test_a_manifest_has_the_types_of_its_fields(spoilt: Path, field: str, value: object) -> None:
    manifest = json.loads((spoilt / "manifest.json").read_bytes())
    (spoilt / "manifest.json").write_text(json.dumps({**manifest, field: value}))
    with pytest.raises(BundleCorruptError, match=r"manifest\.json"):
        open_bundle(spoilt)


def test_what_a_part_says_of_itself_is_not_reworded(spoilt: Path) -> None:
    with pytest.raises(BundleCorruptError, match=r"contract\.json must hold tables of columns"):
        rewritten(spoilt, "contract.json", b"[]")


@pytest.mark.parametrize("broken", ["policy.json", "manifest.json"])
def test_sealing_again_mends_a_broken_bundle(sealed: dict[str, Path], tmp_path: Path, broken: str) -> None:
    contents = open_bundle(sealed["dummy"]).contents
    digest, folder = seal(contents, tmp_path)
    (folder / broken).write_bytes(b"spoilt")
    with pytest.raises(BundleCorruptError):
        open_bundle(folder, expected=digest)
    assert seal(contents, tmp_path) == (digest, folder)
    assert open_bundle(folder, expected=digest).digest == digest
    assert list(tmp_path.iterdir()) == [folder]


def test_no_manifest_is_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(BundleCorruptError, match=r"manifest\.json"):
        open_bundle(tmp_path)
