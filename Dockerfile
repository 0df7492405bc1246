# Two stages: one that builds, one that holds the program and what it needs to run.
#
#   docker build -t vestibule .
#   docker run -p 443:8443 -v "$PWD/config:/app/config:ro" -v "$PWD/certs:/app/certs:ro" -v vestibule:/app/data vestibule
#
# It runs as the user 65532, which must be able to read the certificates' keys. To be reachable from outside the
# container, listeners have to name 0.0.0.0 (or "[::]") and a port above 1023.

FROM rust:1.95-slim-bookworm AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends gcc libc6-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY Cargo.toml Cargo.lock ./
# The dependencies alone first, so that a change of the source does not build them again.
RUN mkdir src && echo 'fn main() {}' > src/main.rs && touch src/lib.rs \
    && cargo build --locked --profile dist \
    && rm -r src
COPY src src
RUN touch src/main.rs src/lib.rs && cargo build --locked --profile dist

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates wget \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 65532 --no-create-home --shell /usr/sbin/nologin vestibule \
    && install -d -o vestibule -g vestibule -m 0700 /app/data \
    && install -d /app/config /app/certs
COPY --from=build /build/target/dist/vestibule /usr/local/bin/vestibule
WORKDIR /app
USER vestibule
VOLUME /app/data
EXPOSE 8443 8080
# Needs `admin: { address: 127.0.0.1:9180 }` in the configuration; without it, run with --no-healthcheck.
HEALTHCHECK --interval=15s --timeout=3s --start-period=10s --retries=3 \
    CMD ["wget", "-q", "-O", "/dev/null", "http://127.0.0.1:9180/healthz"]
ENTRYPOINT ["/usr/local/bin/vestibule"]
CMD ["serve", "--config", "config/vestibule.yaml"]
