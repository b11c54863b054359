//! K1-K4: what is built in, from where, and what is known of it. `deny.toml` and the workflow do the checking; this holds that they do.

use std::path::{Path, PathBuf};

/// The lowest version of each crate in which the faults known to us are mended; of several series, each has its own.
const FLOORS: &[(&str, &[&str])] = &[
    // RUSTSEC-2026-0285.
    ("rustls", &["0.23.45"]),
    ("rustls-webpki", &["0.103.13"]),
    ("h2", &["0.4.16"]),
    ("bytes", &["1.11.1"]),
    ("tokio", &["1.44.2"]),
    // RUSTSEC-2023-0065.
    ("tungstenite", &["0.20.1"]),
    // RUSTSEC-2025-0055.
    ("tracing-subscriber", &["0.3.20"]),
    ("crossbeam-epoch", &["0.9.20"]),
    ("event-listener", &["5.4.2"]),
    ("anyhow", &["1.0.103"]),
    // Its older series, which others still name, have mended releases of their own.
    ("rand", &["0.8.6", "0.9.3", "0.10.1"]),
    ("aws-lc-sys", &["0.39.0"]),
    ("zlib-rs", &["0.4.0"]),
    // CVE-2026-25537.
    ("jsonwebtoken", &["10.3.0"]),
];
/// Unmaintained. What there must not be a second of is `deny.toml`'s, because the lock file also has what no feature switches on.
const BANNED: [&str; 3] = ["rustls-pemfile", "backoff", "serde_yml"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Name and version of every package that is locked.
fn locked() -> Vec<(String, String)> {
    let text = read("Cargo.lock");
    let value = |package: &str, field: &str| {
        let line = package.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(" = "));
        line.unwrap_or_default().trim_matches('"').to_owned()
    };
    text.split("[[package]]").skip(1).map(|package| (value(package, "name"), value(package, "version"))).collect()
}

fn numbers(version: &str) -> [u64; 3] {
    let plain = version.split(['-', '+']).next().unwrap_or_default();
    let mut parts = plain.split('.').map(|part| part.parse().unwrap_or_default());
    std::array::from_fn(|_| parts.next().unwrap_or_default())
}

/// The first number that is not 0 and those before it: versions of one series are compatible.
fn series(version: [u64; 3]) -> [u64; 2] {
    if version[0] > 0 { [version[0], 0] } else { [0, version[1]] }
}

fn is_at_least(version: [u64; 3], floors: &[&str]) -> bool {
    let floors: Vec<[u64; 3]> = floors.iter().map(|floor| numbers(floor)).collect();
    let own = floors.iter().find(|floor| series(**floor) == series(version));
    // A later series than any that is named came after the mending; an earlier one was never mended.
    own.map_or_else(|| floors.iter().all(|floor| version > *floor), |floor| version >= *floor)
}

#[test]
fn k2_no_crate_is_older_than_its_known_faults() {
    assert!(is_at_least([0, 9, 3], &["0.8.6", "0.9.3"]) && !is_at_least([0, 9, 2], &["0.8.6", "0.9.3"]));
    assert!(is_at_least([1, 0, 0], &["0.9.3"]) && !is_at_least([0, 7, 9], &["0.8.6", "0.9.3"]));
    let locked = locked();
    assert!(locked.len() > 200, "the lock file was read");
    for (name, floors) in FLOORS {
        for (_, version) in locked.iter().filter(|(locked, _)| locked == name) {
            assert!(is_at_least(numbers(version), floors), "{name} {version} is below {floors:?}");
        }
    }
    for name in BANNED {
        assert!(!locked.iter().any(|(locked, _)| locked == name), "{name} is back");
    }
}

#[test]
fn k1_licences_sources_and_bans_are_checked_at_home_and_advisories_in_the_workflow() {
    assert!(read("scripts/check.sh").contains("check bans licenses sources"));
    let workflow = read(".github/workflows/ci.yml");
    assert!(workflow.contains("make check") && workflow.contains("cargo-deny check advisories"));
    let policy = read("deny.toml");
    for rule in ["unknown-registry = \"deny\"", "unknown-git = \"deny\"", "yanked = \"deny\"", "ignore = []"] {
        assert!(policy.contains(rule), "deny.toml: {rule}");
    }
}

#[test]
fn k3_every_crate_forbids_unsafe_code_and_a_release_checks_overflows() {
    let manifest = read("Cargo.toml");
    assert!(manifest.contains("unsafe_code = \"forbid\"") && manifest.contains("unwrap_used = \"warn\""));
    let release = manifest.split("[profile.release]").nth(1).unwrap();
    assert!(release.split("\n[").next().unwrap().contains("overflow-checks = true"));
    for member in ["hub", "hub/settings", "hub/tests/client", "operator", "crowd", "e2e", "bench"] {
        assert!(manifest.contains(&format!("\"{member}\"")), "{member} is a member");
        assert!(read(&format!("{member}/Cargo.toml")).contains("[lints]\nworkspace = true"), "{member}");
    }
}

#[test]
fn k4_what_is_published_has_a_bill_of_materials_a_provenance_and_a_digest() {
    let workflow = read(".github/workflows/ci.yml");
    for part in ["make sbom", "--provenance=true", "--sbom=true", "containerimage.digest"] {
        assert!(workflow.contains(part), "{part}");
    }
    // Whoever moves a tag of an action moves nothing here.
    for used in workflow.lines().filter_map(|line| line.split_once("uses: ")).map(|(_, used)| used) {
        let pinned = used.split_once('@').is_some_and(|(_, commit)| {
            let commit = commit.split(' ').next().unwrap_or_default();
            commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit())
        });
        assert!(pinned, "{used}");
    }
    let dockerfile = read("Dockerfile");
    assert!(dockerfile.contains("--locked") && dockerfile.contains("USER 65532:65532"));
    // What runs is `FROM scratch`: no base image can change under it.
    let bases: Vec<&str> = dockerfile.lines().filter(|line| line.starts_with("FROM ")).collect();
    assert_eq!(bases[1..], ["FROM scratch AS base", "FROM base AS operator", "FROM base AS hub"]);
}
