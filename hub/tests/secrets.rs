//! S28: what is secret is compared in constant time and nowhere else. Read from the source, where a comparison that gives time away is a `==`.

use std::fs;
use std::path::{Path, PathBuf};

/// The only function that may look at a secret and at what a stranger shows.
const COMPARE: &str = "verify_slices_are_equal";
/// Where strangers' secrets are judged. A new place joins this list with its comparison.
const JUDGES: [&str; 3] = ["auth.rs", "admin/key.rs", "cluster/key.rs"];
/// How what is secret is called in this code.
const SECRETS: [&str; 10] =
    ["token", "secret", "bearer", "password", "presented", "signature", "hmac", "api_key", "peer_key", "expose()"];
/// Called like one and none: an event's place in epoll, a subprotocol's name, a token's digest.
const NO_SECRETS: [&str; 3] = ["event.token() == WAKE", "format.subprotocol() == token", "self.verdicts.get(token)"];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Path below `src`, and the lines that ship, without comments and texts.
fn shipped() -> Vec<(String, Vec<String>)> {
    let mut paths = Vec::new();
    files(&source(), &mut paths);
    let ships =
        |path: &PathBuf| !["tests.rs", "samples.rs", "fixture.rs", "fuzz.rs"].iter().any(|name| path.ends_with(name));
    let read = |path: &PathBuf| {
        let text = fs::read_to_string(path).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap().to_owned();
        let lines = code.lines().map(|line| without_texts(line.split("//").next().unwrap())).collect();
        (path.strip_prefix(source()).unwrap().to_string_lossy().into_owned(), lines)
    };
    paths.iter().filter(|path| ships(path)).map(read).collect()
}

fn without_texts(line: &str) -> String {
    line.split('"').step_by(2).collect::<Vec<_>>().join("\"\"")
}

/// The word before an operator and the one behind it: `self.token == known.bytes` is about `self.token` and `known.bytes`.
fn operands<'a>(line: &'a str, operator: &str) -> Option<(&'a str, &'a str)> {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '(' | ')' | '&' | '*' | ':');
    let (left, right) = line.split_once(operator)?;
    let left = left.rsplit(|c| !is_part(c)).next().unwrap_or_default();
    Some((left, right.split(|c| !is_part(c)).next().unwrap_or_default()))
}

/// Whether the word is a secret's value; its length, whether there is one, and its kind are none.
fn is_secret(word: &str) -> bool {
    let last = word.trim_matches(['&', '*', '(', ')']).rsplit(['.', ':']).next().unwrap_or_default();
    // Kinds and constants have capitals.
    SECRETS.iter().any(|name| last == name.trim_end_matches("()") || last.ends_with(&format!("_{name}")))
}

#[test]
fn s28_no_secret_is_compared_by_an_operator_that_stops_at_the_first_difference() {
    let mut faults = Vec::new();
    for (path, lines) in shipped() {
        for (number, line) in
            lines.iter().enumerate().filter(|(_, line)| !NO_SECRETS.iter().any(|known| line.contains(known)))
        {
            let compared = [" == ", " != "].iter().filter_map(|operator| operands(line.trim(), operator));
            for (left, right) in compared {
                if is_secret(left) || is_secret(right) {
                    faults.push(format!("{path}:{}: {}", number + 1, line.trim()));
                }
            }
            // Comparisons by another name, and look-ups by a secret as the key.
            let by_name =
                [".eq(", ".ne(", ".cmp(", ".starts_with(", ".ends_with(", ".contains(", ".get(", ".contains_key("];
            for method in by_name {
                let argument =
                    line.split_once(method).map(|(_, rest)| rest.split([')', ',']).next().unwrap_or_default());
                if argument.is_some_and(is_secret) || line.contains(&format!("expose(){method}")) {
                    faults.push(format!("{path}:{}: {}", number + 1, line.trim()));
                }
            }
        }
    }
    assert!(faults.is_empty(), "compare secrets with aws-lc-rs' {COMPARE}:\n  {}", faults.join("\n  "));
}

#[test]
fn s28_every_place_that_judges_a_secret_does_so_in_constant_time() {
    let shipped = shipped();
    let judges: Vec<&str> = shipped
        .iter()
        .filter(|(_, lines)| lines.iter().any(|line| line.contains(&format!("{COMPARE}("))))
        .map(|(path, _)| path.as_str())
        .collect();
    let mut judging = judges.clone();
    judging.sort_unstable();
    for judge in JUDGES {
        assert!(judging.contains(&judge), "{judge} does not compare in constant time any more");
    }
    // A setting's `Secret` made from what a stranger sent would be compared by its derived, quick `==`. Who types a command is no stranger.
    for (path, lines) in shipped.iter().filter(|(path, _)| path != "args.rs") {
        assert!(
            !lines.iter().any(|line| line.contains("Secret::new(")),
            "{path}: a Secret comes from the settings alone"
        );
    }
}

#[test]
fn the_scan_sees_what_it_is_for() {
    for (line, seen) in [
        ("if known.token == shown {", true),
        ("if shown != self.peer_key {", true),
        ("let same = secret.expose() == text;", true),
        ("if token.len() > MAX {", false),
        ("if tokens == 0 {", false),
        ("if key == other {", false),
    ] {
        let compared = [" == ", " != "].iter().filter_map(|operator| operands(line, operator));
        let found = compared.into_iter().any(|(left, right)| is_secret(left) || is_secret(right));
        assert_eq!(found, seen, "{line}");
    }
}
