# The production image: ingress, worker and paragon, without the demo. Compose says which runs.
# Built with BuildKit (Docker's default), whose caches keep a second build short.

FROM rust:1.95-bookworm AS builder
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --package paragon --bins \
    && mkdir /out \
    && cp target/release/ingress target/release/worker target/release/paragon /out/

# The models that read photos, with their licence and notice.
FROM debian:bookworm-slim AS models
RUN apt-get update && apt-get install -y --no-install-recommends python3-pip
COPY scripts/models.sh /scripts/models.sh
RUN OCR_MODELS_DIR=/models /scripts/models.sh

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends \
        ca-certificates libheif-examples poppler-utils \
        tesseract-ocr tesseract-ocr-ces tesseract-ocr-deu tesseract-ocr-eng \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --user-group --no-create-home --home-dir /var/lib/paragon paragon \
    # A named volume takes over this owner the first time that it is mounted here.
    && install -d -o paragon -g paragon -m 0750 /var/lib/paragon /var/lib/paragon/spool
COPY templates /usr/share/paragon/templates
COPY LICENSE-MIT LICENSE-APACHE /usr/share/doc/paragon/
COPY --from=builder /out/ /usr/local/bin/
COPY --from=models /models/ /usr/share/paragon/models/
ENV OCR_MODELS_DIR=/usr/share/paragon/models
USER 10001:10001
WORKDIR /var/lib/paragon
CMD ["paragon", "--help"]
