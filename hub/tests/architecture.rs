//! The invariants of ARCHITECTURE.md that a compiler cannot hold, checked over the source tree.
//!
//! They are looked for in the text, which is crude and enough: a rule broken on purpose is seen in review, and
//! one broken by accident is written plainly. A rule about a module that does not exist holds trivially.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const LONGEST_FILE: usize = 500;
const JUNK_DRAWERS: [&str; 7] = ["utils", "util", "common", "helpers", "helper", "misc", "shared"];

/// Which modules of the hub a module must not name: arrows never point back.
const FORBIDDEN: [(&str, &[&str]); 9] = [
    ("auth", &["log", "ws", "bus", "shard", "dispatcher", "net", "cluster", "admin", "app", "args"]),
    ("blackbox", &["log", "ws", "bus", "shard", "dispatcher", "net", "cluster", "admin", "app", "args"]),
    ("log", &["bus", "shard", "dispatcher", "net", "cluster", "admin", "app", "args"]),
    ("ws", &["bus", "shard", "dispatcher", "net", "cluster", "admin", "app", "args", "log"]),
    ("bus", &["log", "shard", "dispatcher", "net", "admin", "app", "args", "ws"]),
    ("shard", &["dispatcher", "net", "cluster", "admin", "app", "args"]),
    ("dispatcher", &["net", "admin", "app", "args", "ws"]),
    ("net", &["admin", "app", "args"]),
    ("cluster", &["net", "admin", "app", "args"]),
];

/// A source file: its path from the repository's root, its text, and the text that ships
/// (no comments, no module of tests).
struct Source {
    path: String,
    text: String,
    code: String,
}

impl Source {
    fn read(root: &Path, path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap();
        let shipped = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
        let code = shipped.lines().map(|line| line.split("//").next().unwrap_or_default());
        Self {
            path: path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/"),
            code: code.collect::<Vec<_>>().join("\n"),
            text,
        }
    }

    fn is_generated(&self) -> bool {
        self.text.contains("@generated")
    }

    /// Whether this is `hub/src/<module>.rs`, a file under `hub/src/<module>/`, or a path below them (`net/tls`).
    fn belongs_to(&self, module: &str) -> bool {
        let base = format!("hub/src/{module}");
        self.path == format!("{base}.rs") || self.path.starts_with(&format!("{base}/"))
    }

    fn is_test(&self) -> bool {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        // What the fuzzer calls is in no program but its own.
        let is_fuzzed = name == "fuzz.rs" || self.path.contains("/src/fuzz/");
        self.path.contains("/tests/") || self.path.contains("/benches/") || name == "tests.rs" || is_fuzzed
    }

    /// The hub's own modules named by `crate::<module>` and `use crate::{<module>, ..}`.
    fn modules_named(&self) -> BTreeSet<String> {
        let mut named = BTreeSet::new();
        for (at, _) in self.code.match_indices("crate::") {
            let rest = &self.code[at + "crate::".len()..];
            match rest.strip_prefix('{') {
                Some(group) => named.extend(heads_of_group(group)),
                None => named.extend(identifier(rest)),
            }
        }
        named
    }
}

fn identifier(text: &str) -> Option<String> {
    let name: String = text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!name.is_empty()).then_some(name)
}

/// `a::{b, c}, d::e}` -> `a`, `d`.
fn heads_of_group(group: &str) -> Vec<String> {
    let (mut depth, mut heads, mut at_head) = (0, Vec::new(), true);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => at_head = true,
            c if at_head && !c.is_whitespace() => {
                heads.extend(identifier(&group[at..]));
                at_head = false;
            }
            _ => {}
        }
    }
    heads
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// Every file below `dir` with this extension, without build output, hidden folders and packages of other languages.
fn files_below(dir: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(dir) else {
        return;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if !name.starts_with('.') && name != "target" && name != "node_modules" {
                files_below(&path, extension, found);
            }
        } else if path.extension().is_some_and(|e| e == extension) {
            found.push(path);
        }
    }
}

fn sources() -> Vec<Source> {
    let root = root();
    let mut paths = Vec::new();
    files_below(&root, "rs", &mut paths);
    paths.sort();
    paths.iter().map(|path| Source::read(&root, path)).collect()
}

/// The hub's shipped code.
fn hub() -> Vec<Source> {
    sources().into_iter().filter(|s| s.path.starts_with("hub/src/") && !s.is_test()).collect()
}

/// Fails with every fault at once: one run tells all there is to mend.
#[track_caller]
fn none(rule: &str, faults: Vec<String>) {
    assert!(faults.is_empty(), "{rule}\n  {}\n", faults.join("\n  "));
}

/// Where any of `words` stands in the code of hub files that belong to none of `allowed`.
fn uses_outside(words: &[&str], allowed: &[&str]) -> Vec<String> {
    let mut faults = Vec::new();
    for source in hub().iter().filter(|s| !allowed.iter().any(|module| s.belongs_to(module))) {
        for (number, line) in source.code.lines().enumerate() {
            faults.extend(
                words
                    .iter()
                    .filter(|word| line.contains(**word))
                    .map(|word| format!("{}:{}: {word}", source.path, number + 1)),
            );
        }
    }
    faults
}

#[test]
fn every_file_begins_by_saying_why_it_exists() {
    let silent = sources().into_iter().filter(|s| !s.is_generated() && !s.text.starts_with("//!"));
    none("a file starts with `//!`: why it exists", silent.map(|s| s.path).collect());
}

#[test]
fn no_file_is_too_long_to_be_read_in_one_go() {
    let long = sources().into_iter().filter(|s| !s.is_generated() && s.text.lines().count() > LONGEST_FILE);
    none(
        "a file has at most 500 lines: split it by noun",
        long.map(|s| format!("{}: {} lines", s.path, s.text.lines().count())).collect(),
    );
}

#[test]
fn no_module_is_a_junk_drawer_or_called_mod_rs() {
    let mut faults = Vec::new();
    for source in sources() {
        let mut parts = source.path.trim_end_matches(".rs").split('/');
        if source.path.ends_with("/mod.rs") {
            faults.push(format!("{}: foo.rs beside foo/, not mod.rs", source.path));
        } else if let Some(name) = parts.find(|part| JUNK_DRAWERS.contains(part)) {
            faults.push(format!("{}: `{name}` says nothing, name the noun", source.path));
        }
    }
    none("a module is one noun", faults);
}

#[test]
fn the_protocol_does_no_io_and_knows_no_other_module() {
    let mut faults = Vec::new();
    for source in hub().iter().filter(|s| s.belongs_to("protocol")) {
        for word in ["tokio", "std::io", "std::net", "std::fs", "std::env", "std::thread", "mio::", "async fn"] {
            if source.code.contains(word) {
                faults.push(format!("{}: {word}", source.path));
            }
        }
        let others = source.modules_named().into_iter().filter(|module| module != "protocol");
        faults.extend(others.map(|module| format!("{}: crate::{module}", source.path)));
    }
    none("protocol/ is pure", faults);
}

#[test]
fn arrows_between_modules_never_point_back() {
    let mut faults = Vec::new();
    for (module, forbidden) in FORBIDDEN {
        for source in hub().iter().filter(|s| s.belongs_to(module)) {
            let back = source.modules_named().into_iter().filter(|other| forbidden.contains(&other.as_str()));
            faults.extend(back.map(|other| format!("{} names crate::{other}", source.path)));
        }
    }
    none(
        "settings, protocol <- ws <- log <- shard; protocol <- bus; bus, log, shard <- dispatcher <- net <- app <- main",
        faults,
    );
}

#[test]
fn no_two_modules_need_each_other() {
    let mut needs: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in hub() {
        let path = source.path.trim_start_matches("hub/src/").trim_end_matches(".rs");
        let module = path.split('/').next().unwrap_or_default().to_owned();
        needs.entry(module).or_default().extend(source.modules_named());
    }
    // Modules that need nothing that is left are taken away until nothing changes: what stays is a circle.
    loop {
        let left: BTreeSet<String> = needs.keys().cloned().collect();
        let before = needs.len();
        needs.retain(|module, others| others.iter().any(|other| other != module && left.contains(other)));
        if needs.len() == before {
            break;
        }
    }
    let circle = needs.iter().map(|(module, others)| format!("{module} names {others:?}"));
    none("modules form no circle: each can be read after those it names", circle.collect());
}

#[test]
fn settings_are_a_leaf_crate() {
    let users = sources().into_iter().filter(|s| s.path.starts_with("hub/settings/src/"));
    let faults =
        users.filter(|s| ["use gohub::", "tokio::", "std::fs", "std::env"].iter().any(|word| s.code.contains(word)));
    none("settings parse and judge text; they read nothing and know no hub", faults.map(|s| s.path).collect());
}

#[test]
fn tasks_and_threads_are_started_only_by_lifecycle() {
    let words = [
        "tokio::spawn(",
        "task::spawn(",
        "spawn_local(",
        "Handle::current().spawn(",
        "thread::spawn(",
        "thread::Builder",
        "thread::scope(",
    ];
    none(
        "lifecycle::Tasks starts and tracks tasks and threads, so that a stop can wait for all",
        uses_outside(&words, &["lifecycle"]),
    );
}

#[test]
fn environment_and_files_are_read_only_in_args_reload_and_tls() {
    let words = ["std::env", "env::var", "std::fs", "fs::read", "File::open", "tokio::fs", "OpenOptions"];
    // The etcd connection reads its certificates, and the process metrics read /proc, which is the kernel's answer and not a file.
    let allowed = ["args", "reload", "net/tls", "bus/etcd/connect", "bus/etcd/tls", "metrics/process"];
    none(
        "the environment and files are read only in args, reload and where TLS takes certificates",
        uses_outside(&words, &allowed),
    );
}

#[test]
fn the_operator_decides_without_a_client() {
    let decides = [
        "api",
        "reconcile/validate",
        "reconcile/plan",
        "reconcile/build",
        "reconcile/status",
        "etcd/plan",
        "etcd/space",
    ];
    let mut faults = Vec::new();
    for source in sources() {
        let Some(path) = source.path.strip_prefix("operator/src/") else { continue };
        if !decides.iter().any(|module| path.starts_with(module)) {
            continue;
        }
        for word in ["kube::Client", "Client,", "kube::Api", "kube::api", "async fn", ".await", "SystemTime", "now()"] {
            if source.code.contains(word) {
                faults.push(format!("{}: {word}", source.path));
            }
        }
    }
    none("what is to be done is decided from values: no client, no clock", faults);
}

#[test]
fn every_queue_is_bounded() {
    let words = ["unbounded_channel", "unbounded()", "UnboundedSender", "std::sync::mpsc::channel("];
    none("a queue has a bound, and a policy for when it is full", uses_outside(&words, &[]));
}

#[test]
fn a_publication_is_encoded_only_into_the_log() {
    none(
        "a publication is encoded once per wire variant, when it enters the log",
        uses_outside(&["encode_publication("], &["protocol", "log"]),
    );
}

#[test]
fn no_lint_is_switched_off_without_a_reason_and_no_test_is_ignored() {
    let (allow, ignore) = (["#[allow", "("].concat(), ["#[ign", "ore"].concat());
    let inner = ["#![allow", "("].concat();
    let mut faults = Vec::new();
    for source in sources().iter().filter(|s| !s.is_generated()) {
        for word in [&allow, &inner, &ignore] {
            if source.text.contains(word.as_str()) {
                faults.push(format!("{}: {word}", source.path));
            }
        }
    }
    none("#[expect(.., reason = \"..\")] instead, and a test runs or does not exist", faults);
}

#[test]
fn decision_records_are_numbered_without_a_hole_and_have_a_status() {
    let mut paths = Vec::new();
    files_below(&root().join("docs/adr"), "md", &mut paths);
    paths.sort();
    let mut faults = Vec::new();
    for (index, path) in paths.iter().enumerate() {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(path).unwrap();
        if !name.starts_with(&format!("{:04}-", index + 1)) {
            faults.push(format!("{name}: the next number is {:04}", index + 1));
        }
        if !text.starts_with(&format!("# {}. ", index + 1)) {
            faults.push(format!("{name}: the title is `# {}. ...`", index + 1));
        }
        if !text.contains("\nStatus: ") {
            faults.push(format!("{name}: no `Status:` line"));
        }
    }
    assert!(!paths.is_empty(), "docs/adr has no records");
    none("docs/adr is numbered 0001, 0002, ...", faults);
}

#[test]
fn every_dependency_says_why_in_its_decision_record() {
    let record = fs::read_to_string(root().join("docs/adr/0002-dependencies.md")).unwrap();
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let section = manifest.split("[workspace.dependencies]").nth(1).unwrap();
    let names = section
        .lines()
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split_once('=').map(|(name, _)| name.trim()))
        .filter(|name| !name.starts_with('#') && !name.starts_with("gohub"));
    let faults = names.filter(|name| !record.contains(&format!("`{name}`"))).map(str::to_owned);
    none("docs/adr/0002-dependencies.md has one line for every dependency", faults.collect());
}
