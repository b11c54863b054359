#!/usr/bin/env bash
# Throws bytes, guided by coverage, at what strangers can reach, with libFuzzer on stable Rust:
#   scripts/fuzz.sh TARGET [SECONDS]      frames, protocol, settings, batch or tokens; a minute unless said otherwise
#   scripts/fuzz.sh TARGET merge          makes fuzz/corpus/TARGET small: only what reaches something of its own
# What is new goes into a folder of its own under the target directory; a find is copied to fuzz/corpus, where a test replays it for ever.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${1:?a target: $(basename -a -s .rs fuzz/targets/*.rs | tr '\n' ' ')}
how=${2:-60}
[ -f "fuzz/targets/$target.rs" ] || { echo "fuzz.sh: there is no target $target" >&2; exit 2; }
scripts/ensure.sh cc protoc
into=${CARGO_TARGET_DIR:-target}
case $into in /*) ;; *) into=$PWD/$into ;; esac
host=$(rustc -vV | sed -n 's/^host: //p')

# What cargo-fuzz passes to a nightly compiler; the pass itself is stable. No sanitizer, which is not: there is no unsafe code of ours to find.
coverage='--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-trace-compares'
coverage+=' -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table'
cp Cargo.lock fuzz/Cargo.lock
# With --target, the flags are for the target alone: build scripts and macros have no fuzzer to call.
RUSTFLAGS=$coverage CARGO_TARGET_DIR=$into/fuzz cargo build --quiet --release --target "$host" --manifest-path fuzz/Cargo.toml --bin "$target" >&2
program=$into/fuzz/$host/release/$target

kept=fuzz/corpus/$target
new=$into/fuzz/corpus/$target
finds=$into/fuzz/finds/$target
mkdir -p "$new" "$finds"
if [ "$how" = merge ]; then
    small=$(mktemp -d)
    "$program" -merge=1 -max_len=4096 "$small" "$kept" "$new" > "$finds/merge.log" 2>&1
    # Whoever was found by name stays under that name.
    find "$kept" -type f -not -name 'found-*' -delete
    # The smallest first; a few hundred are enough to replay in a second.
    find "$small" -type f -printf '%s %p\n' | sort -n | head -n "${KEEP:-150}" | cut -d ' ' -f 2- | while read -r file; do cp "$file" "$kept/"; done
    rm -r "$small"
    find "$kept" -type f | wc -l
    exit
fi
status=0
"$program" -max_total_time="$how" -timeout=10 -rss_limit_mb=2048 -max_len=4096 -print_final_stats=1 -artifact_prefix="$finds/" \
    "$new" "$kept" || status=$?
for find in "$finds"/crash-* "$finds"/timeout-* "$finds"/oom-*; do
    [ -e "$find" ] || continue
    cp "$find" "$kept/found-$(basename "$find")"
    echo "a find: $kept/found-$(basename "$find")" >&2
    status=1
done
exit $status
