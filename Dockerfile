# pixshelf in a container. Everything that is downloaded is checked against requirements.txt.
#
#   docker build --tag pixshelf .
#   docker run --rm --interactive --tty --network none --volume pixshelf:/data pixshelf stats

FROM python:3.13-slim AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/pixshelf
ENV PATH=/opt/pixshelf/bin:$PATH

# The dependencies are a layer of their own: a change to the program does not fetch them again.
COPY requirements.txt /build/
RUN pip install --require-hashes --only-binary :all: --requirement /build/requirements.txt

# The build tool is the one that requirements.txt brought, so this step needs no network.
COPY . /build/
RUN pip install --no-deps --no-build-isolation --no-index /build


FROM python:3.13-slim

LABEL org.opencontainers.image.title="pixshelf" \
      org.opencontainers.image.description="An offline workbench for image classification in the terminal: one file, one command." \
      org.opencontainers.image.licenses="MIT"

# The uid is fixed, so that files in a mounted folder have an owner that can be named.
RUN useradd --uid 10001 --user-group --create-home --shell /usr/sbin/nologin pixshelf \
    && install --directory --owner pixshelf --group pixshelf --mode 0750 /data
COPY --from=build /opt/pixshelf /opt/pixshelf

# The dataset file, and what the program keeps between two runs, lie on the volume.
ENV PATH=/opt/pixshelf/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PIXSHELF_DB=/data/pixshelf.db \
    XDG_STATE_HOME=/data/.state
WORKDIR /data
VOLUME /data
USER 10001:10001

ENTRYPOINT ["pixshelf"]
CMD ["--help"]
