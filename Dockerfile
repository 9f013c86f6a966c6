# An image that runs mfwb, and nothing else: docs/automation.md tells how to build and to use it.
ARG PYTHON=3.13

FROM python:${PYTHON}-slim-bookworm AS build
WORKDIR /source
COPY . .
RUN python -m pip wheel --no-cache-dir --disable-pip-version-check --no-deps --wheel-dir /wheel . \
    && python -m venv /opt/mfwb
# The packages that a datastore needs beside mfwb, such as "boto3" or "azure-identity azure-storage-blob".
ARG PACKAGES=""
# The words of PACKAGES are one package each, so it has no quotes.
# hadolint ignore=SC2086
RUN /opt/mfwb/bin/python -m pip install --no-cache-dir --disable-pip-version-check \
    --constraint constraints.txt /wheel/mfwb-*.whl ${PACKAGES}

FROM python:${PYTHON}-slim-bookworm
# Kubernetes knows only from a number that a user is not root. Where an image runs as any user (OpenShift), its group is 0.
RUN useradd --uid 10001 --gid 0 --create-home mfwb \
    && chmod 0770 /home/mfwb \
    && install --directory --owner=mfwb --group=0 --mode=0770 /state
COPY --from=build /opt/mfwb /opt/mfwb
ENV PATH=/opt/mfwb/bin:$PATH \
    HOME=/home/mfwb \
    MFWB_STATE_DIR=/state
USER 10001
WORKDIR /home/mfwb
# The ledger: with a volume of its own, a job knows what earlier jobs have synced.
VOLUME /state
ENTRYPOINT ["mfwb"]
CMD ["--help"]
