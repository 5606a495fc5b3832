# faceid for a server: without PyTorch, so that it imports, groups, reviews, and trains and serves the recipe imprint.
# See docs/scaling.md. Build: docker build -t faceid .
FROM python:3.12-slim AS packages
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy
RUN pip install --no-cache-dir uv==0.13.9 && uv venv /opt/faceid
WORKDIR /source
COPY requirements-slim.txt ./
# The larger of the landmark models that come with the networks is the reference engine's alone: 100 MB.
RUN uv pip install --no-cache --no-deps --python /opt/faceid/bin/python -r requirements-slim.txt \
    && rm /opt/faceid/lib/python*/site-packages/face_recognition_models/models/shape_predictor_68_face_landmarks.dat
COPY pyproject.toml README.md LICENSE CHANGELOG.md ./
COPY faceid_core faceid_core
COPY webapp webapp
COPY migrations migrations
# hatchling builds the wheel; it stays behind in this stage.
RUN uv pip install --no-cache --no-deps --python /opt/faceid/bin/python .

FROM python:3.12-slim
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home faceid \
    && install --directory --owner=faceid --group=faceid --mode=0700 /library /home/faceid/.cache
COPY --from=packages /opt/faceid /opt/faceid
ENV PATH=/opt/faceid/bin:$PATH FACEID_LIBRARY=/library FACEID_HOST=0.0.0.0
USER 10001
VOLUME /library
EXPOSE 8501
# The sign-in page is for everybody, and says whether the server answers.
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8501/sign-in', timeout=8)"]
ENTRYPOINT ["faceid"]
CMD ["serve"]
