# pixshelf in a container. Everything that is downloaded is checked against requirements.txt.
#
#   docker build --tag pixshelf .
#   docker run --rm --interactive --tty --network none --volume pixshelf:/data pixshelf
#
# compose.yaml runs it beside PostgreSQL; docs/containers.md explains both.

FROM python:3.13-slim AS dependencies

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/pixshelf
ENV PATH=/opt/pixshelf/bin:$PATH

# The dependencies are a layer of their own: a change to the program does not fetch them again.
COPY requirements.txt /build/
RUN pip install --require-hashes --only-binary :all: --requirement /build/requirements.txt


# The build tool is the one that requirements.txt brought, so this stage needs no network.
FROM dependencies AS program
COPY . /build/
RUN pip wheel --no-deps --no-build-isolation --no-index --wheel-dir /dist /build


FROM python:3.13-slim

LABEL org.opencontainers.image.title="pixshelf" \
      org.opencontainers.image.description="An offline workbench for image classification in the terminal: one file, one command." \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="MIT"

# The uid is fixed, so that files in a mounted folder have an owner that can be named.
RUN useradd --uid 10001 --user-group --home-dir /data --no-create-home --shell /usr/sbin/nologin pixshelf \
    && install --directory --owner pixshelf --group pixshelf --mode 0750 /data
COPY --from=dependencies /opt/pixshelf /opt/pixshelf

# The home is the volume: the dataset file, settings, logs and caches outlive the container. Large
# temporary files go to /var/tmp, since /tmp may be memory.
ENV PATH=/opt/pixshelf/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HOME=/data \
    TMPDIR=/var/tmp \
    PIXSHELF_DB=/data/pixshelf.db
RUN --mount=type=bind,from=program,source=/dist,target=/dist \
    pip install --no-cache-dir --no-deps --no-index /dist/*.whl
WORKDIR /data
VOLUME /data
USER 10001:10001

# No command: on a terminal that is the app, without one the help.
ENTRYPOINT ["pixshelf"]
CMD []
