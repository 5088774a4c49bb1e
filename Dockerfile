# syntax=docker/dockerfile:1
# The service alone: no trainer, no MLflow. Its models are those of the folder registry in the mounted folder
# /var/lib/scorewright, which it only reads: train with SCOREWRIGHT_REGISTRY=folder.

FROM python:3.11-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
COPY requirements/build.txt requirements/serve.txt requirements/
RUN python -m venv /opt/tools && /opt/tools/bin/python -m pip install --require-hashes -r requirements/build.txt \
 && python -m venv /opt/scorewright && /opt/scorewright/bin/python -m pip install --require-hashes -r requirements/serve.txt
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN /opt/tools/bin/python -m pip wheel --no-deps --no-build-isolation --wheel-dir dist . \
 && /opt/scorewright/bin/python -m pip install --no-deps dist/*.whl \
 && /opt/scorewright/bin/python -m pip uninstall --yes pip

FROM python:3.11-slim-bookworm
# LightGBM's threads need the OpenMP runtime, which the slim image leaves out.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends libgomp1 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --no-create-home --home-dir /var/lib/scorewright scorewright \
 && install --directory --owner scorewright --group scorewright /var/lib/scorewright
COPY --from=build /opt/scorewright /opt/scorewright
ENV PATH=/opt/scorewright/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    SCOREWRIGHT_HOME=/var/lib/scorewright \
    SCOREWRIGHT_REGISTRY=folder
USER 10001
WORKDIR /var/lib/scorewright
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
# Reachable from outside the container, so it starts only with a key: SCOREWRIGHT_API_KEY.
ENTRYPOINT ["scorewright"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
