//! `hub/tests/S-LIST.md` says of each bad input which tests show what becomes of it, and of each static check what performs it. Names of tests
//! are the truth: this writes them into it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const LAST: u32 = 93;
const LAST_CHECK: u32 = 10;
/// Stands in the last column until the test is there, and goes then by itself.
const UNDER_WAY: &str = "open: its test is under way";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

fn rust_files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The name of the function that begins in this line.
fn function_of(line: &str) -> Option<&str> {
    let rest = line.trim_start().trim_start_matches("async ").strip_prefix("fn ")?;
    rest.split(['(', '<']).next()
}

/// The numbers in `s48_s49_a_length_is_judged`.
fn numbers_of(name: &str) -> Vec<u32> {
    let number = |part: &str| part.strip_prefix('s')?.parse().ok();
    name.split('_').map_while(number).collect()
}

/// Every function of the workspace's tests and unit tests, with the file it stands in.
fn functions() -> Vec<(String, String)> {
    let mut files = Vec::new();
    for directory in
        ["hub/src", "hub/settings", "hub/tests", "operator/src", "operator/tests", "e2e/tests", "bench/tests"]
    {
        rust_files(&root().join(directory), &mut files);
    }
    files.sort();
    let mut found = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let path = file.strip_prefix(root()).unwrap().display().to_string();
        found.extend(text.lines().filter_map(function_of).map(|name| (name.to_owned(), path.clone())));
    }
    found
}

/// Every test with a number, as it is shown.
fn tests(functions: &[(String, String)]) -> BTreeMap<u32, String> {
    let mut found: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    for (name, path) in functions {
        for number in numbers_of(name) {
            found.entry(number).or_default().push(format!("`{name}` ({path})"));
        }
    }
    found.into_iter().map(|(number, names)| (number, names.join(", "))).collect()
}

/// What stands between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

fn number_of(cell: &str, letter: char) -> Option<u32> {
    cell.strip_prefix(letter)?.parse().ok()
}

#[test]
fn every_bad_input_has_a_test_or_a_reason() {
    let path = root().join("hub/tests/S-LIST.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let tests = tests(&functions());
    assert!(tests.keys().all(|number| (1..=LAST).contains(number)), "a test has a number that no line of the list has");
    let (mut written, mut seen) = (String::new(), 0);
    for line in text.lines() {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        match (number_of(cells[0], 'S'), &cells[..]) {
            (Some(number), [_, what, then, _, beside]) => {
                seen += 1;
                assert_eq!(number, seen, "the list goes from S1 to S{LAST} without a hole");
                let shown = tests.get(&number).map_or("", String::as_str);
                let beside = if shown.is_empty() || *beside != UNDER_WAY { beside } else { "" };
                assert!(!(shown.is_empty() && beside.is_empty()), "S{number} has neither a test nor a reason");
                written += &format!("| S{number} | {what} | {then} | {shown} | {beside} |\n");
            }
            (Some(number), _) => panic!("S{number} has {} columns and not five: {line}", cells.len()),
            (None, _) => written += &format!("{line}\n"),
        }
    }
    assert_eq!(seen, LAST);
    if written != text {
        std::fs::write(&path, written).unwrap();
        panic!(
            "hub/tests/S-LIST.md had drifted from the names of the tests; it is written anew: look at it and commit it"
        );
    }
}

#[test]
fn what_is_said_to_perform_a_static_check_exists() {
    let text = std::fs::read_to_string(root().join("hub/tests/S-LIST.md")).unwrap();
    let functions = functions();
    let names: BTreeSet<&str> = functions.iter().map(|(name, _)| name.as_str()).collect();
    let mut seen = 0;
    for line in text.lines() {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let (Some(number), [_, _, by]) = (number_of(cells[0], 'K'), &cells[..]) else { continue };
        seen += 1;
        assert_eq!(number, seen, "the list goes from K1 to K{LAST_CHECK} without a hole");
        assert!(quoted(by).next().is_some(), "K{number} names nothing that performs it");
        for name in quoted(by) {
            let exists = if name.contains(['/', '.']) { root().join(name).exists() } else { names.contains(name) };
            assert!(exists, "K{number}: there is no `{name}`");
        }
    }
    assert_eq!(seen, LAST_CHECK);
}
