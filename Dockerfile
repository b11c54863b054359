# syntax=docker/dockerfile:1
# Images of one static binary each:
#   docker buildx build --target hub --platform linux/amd64,linux/arm64 -t gohub:0.1.0 .
#   docker buildx build --target operator -t gohub-operator:0.1.0 .
# `make images` makes the same without a registry.
FROM --platform=$BUILDPLATFORM rust:1-bookworm AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends cmake protobuf-compiler libprotobuf-dev \
        gcc-x86-64-linux-gnu libc6-dev-amd64-cross gcc-aarch64-linux-gnu libc6-dev-arm64-cross \
    && rm -rf /var/lib/apt/lists/*
ENV CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER=x86_64-linux-gnu-gcc \
    CC_x86_64_unknown_linux_gnu=x86_64-linux-gnu-gcc \
    CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc \
    CC_aarch64_unknown_linux_gnu=aarch64-linux-gnu-gcc \
    # arm64 kernels have pages of up to 64 KiB, and jemalloc takes what it was built for.
    JEMALLOC_SYS_WITH_LG_PAGE=16
WORKDIR /source
COPY . .
ARG TARGETARCH
# With --target, the flag is for the programs only: build scripts and macros are libraries that the compiler loads.
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/source/target,id=target-$TARGETARCH \
    case "$TARGETARCH" in \
        amd64) target=x86_64-unknown-linux-gnu ;; \
        arm64) target=aarch64-unknown-linux-gnu ;; \
        *) echo "no build for $TARGETARCH" >&2; exit 1 ;; \
    esac \
    && rustup target add "$target" \
    && RUSTFLAGS='-C target-feature=+crt-static' cargo build --release --locked --target "$target" \
        -p gohub --bin gohub -p gohub-operator --bin gohub-operator \
    && mkdir -p /out \
    && for program in gohub gohub-operator; do \
        "$(echo "$target" | sed 's/-unknown//')-objcopy" --strip-debug "target/$target/release/$program" "/out/$program"; \
    done

FROM scratch AS base
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
# A number: Kubernetes cannot tell whether a name is root.
USER 65532:65532

FROM base AS operator
COPY --from=build /out/gohub-operator /usr/local/bin/
ENTRYPOINT ["/usr/local/bin/gohub-operator"]

FROM base AS hub
COPY --from=build /out/gohub /usr/local/bin/
# 8080: clients; 9090: metrics, probes and the admin API; 9191: other hubs.
EXPOSE 8080 9090 9191
ENTRYPOINT ["/usr/local/bin/gohub"]
