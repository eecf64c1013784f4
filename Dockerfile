# Airflow, client-only DIRAC and dirac_prodsys, all from the hash-locked requirements.txt, and gfal2 from
# Debian 12, whose module is for Python 3.11 (docs/adr/0033-installed-by-pip.md).
# Any base of Debian 12 with Python 3.11 (headers and venv included) will do.
ARG BASE=python:3.11-slim-bookworm

# ---- gfal2: the files of Debian's packages, without a second Python -----------------------------
FROM ${BASE} AS gfal2
RUN apt-get update -q \
 && apt-get install -q -y --no-install-recommends --download-only \
    python3-gfal2 gfal2-plugin-file gfal2-plugin-http gfal2-plugin-srm gfal2-plugin-xrootd \
 && cd /var/cache/apt/archives \
 && rm -f libpython3*.deb libperl*.deb \
 && for package in lib*.deb gfal2-*.deb python3-gfal2_*.deb; do dpkg -x "$package" /gfal2; done \
 && if [ -d /gfal2/lib ]; then cp -a /gfal2/lib/. /gfal2/usr/lib && rm -r /gfal2/lib; fi

# ---- builder: the only stage with a compiler (M2Crypto ships no wheel) -------------------------
FROM ${BASE} AS builder
RUN apt-get update -q \
 && apt-get install -q -y --no-install-recommends gcc libc6-dev libssl-dev swig tini \
 && useradd --uid 50000 --gid 0 --home-dir /opt/airflow --no-create-home airflow \
 && install -d -m 0775 /opt/airflow/logs /opt/airflow/bundles /opt/airflow/plugins \
    /opt/airflow/dirac_prodsys
RUN python3 -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
# The package index of the site, if it has one, comes in as the build secret "pip_conf"
# (docker build --secret id=pip_conf,src=pip.conf .) and stays out of every layer.
# setuptools goes first, from the lock too, so that no build fetches anything that is not locked.
COPY requirements.txt ./
COPY plugins/dirac_prodsys/cli/project/wheels plugins/dirac_prodsys/cli/project/wheels
RUN --mount=type=secret,id=pip_conf,target=/etc/pip.conf \
    awk '/^[a-z0-9]/ { keep = /^setuptools==/ } keep' requirements.txt > build.txt \
 && pip install -qq --require-hashes --no-deps -r build.txt \
 && pip install -qq --require-hashes --no-deps --no-build-isolation -r requirements.txt
COPY LICENSE pyproject.toml ./
COPY docs/package.md docs/package.md
COPY plugins plugins
RUN pip install --quiet --no-deps --no-build-isolation --no-index . \
 && pip uninstall --quiet --yes pip \
 && ln -s /usr/lib/python3/dist-packages/gfal2.cpython-311-"$(uname -m)"-linux-gnu.so \
    /opt/venv/lib/python3.11/site-packages/

# ---- the image: copies only, so that nothing of the build, nor of the site it ran at, gets in --
FROM ${BASE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="dirac_prodsys" \
      org.opencontainers.image.description="One production YAML becomes one Airflow DAG of DIRAC transformations" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# gfal2 asks the storage elements that speak root, https and srm
COPY --from=gfal2 /gfal2/usr /usr
COPY --from=gfal2 /gfal2/etc /etc
COPY --from=builder /usr/bin/tini /usr/bin/tini
COPY --from=builder /etc/passwd /etc/passwd
COPY --from=builder --chown=50000:0 /opt/airflow /opt/airflow
COPY --from=builder /opt/venv /opt/venv
# The package with its plugin lives in the virtual environment; the plugins folder is for others.
COPY dags /opt/airflow/dags
COPY include /opt/airflow/include
COPY --chmod=0755 scripts/image-entrypoint scripts/image-healthcheck /usr/local/bin/

# Settings for productions of days to weeks. /opt/airflow/bundles belongs on a persistent volume:
# it holds the snapshots that running productions are pinned to, hence no clean-up of stale ones.
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    AIRFLOW_HOME=/opt/airflow \
    AIRFLOW__CORE__LOAD_EXAMPLES=False \
    AIRFLOW__CORE__DAGBAG_IMPORT_ERROR_TRACEBACKS=False \
    AIRFLOW__CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL=5 \
    AIRFLOW__DAG_PROCESSOR__BUNDLE_REFRESH_CHECK_INTERVAL=2 \
    AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH=/opt/airflow/bundles \
    AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL=3600 \
    AIRFLOW__DAG_PROCESSOR__STALE_BUNDLE_CLEANUP_INTERVAL=0 \
    AIRFLOW__STATE_STORE__DEFAULT_RETENTION_DAYS=0 \
    AIRFLOW__TRIGGERER__CAPACITY=5000 \
    AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST='[{"name":"productions","classpath":"dirac_prodsys.provider.bundle.ProductionsDagBundle","kwargs":{"productions":"/opt/airflow/include/productions","refresh_interval":2}},{"name":"dags","classpath":"airflow.dag_processing.bundles.local.LocalDagBundle","kwargs":{"path":"/opt/airflow/dags"}}]'
USER 50000
WORKDIR /opt/airflow
VOLUME /opt/airflow/bundles /opt/airflow/dirac_prodsys
EXPOSE 8080
HEALTHCHECK --interval=60s --timeout=30s --start-period=90s CMD ["/usr/local/bin/image-healthcheck"]
ENTRYPOINT ["/usr/bin/tini", "--", "/usr/local/bin/image-entrypoint"]
CMD ["standalone"]
