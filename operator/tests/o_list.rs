//! `e2e/O-LIST.md` says of each promised failure which tests show that it is survived. Names of tests are the truth: this writes them into it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const LAST: u32 = 46;
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

/// `o15_etcd_pod_lost` in a line that begins a function: its number and its name.
fn test_of(line: &str) -> Option<(u32, &str)> {
    let rest = line.trim_start().trim_start_matches("async ").strip_prefix("fn o")?;
    let (number, _) = rest.split_once('_')?;
    let name = rest.split(['(', '<']).next()?;
    Some((number.parse().ok()?, name))
}

/// Every test with a number, as it is shown.
fn tests() -> BTreeMap<u32, String> {
    let mut files = Vec::new();
    for directory in ["operator/src", "operator/tests", "e2e/src", "e2e/tests"] {
        rust_files(&root().join(directory), &mut files);
    }
    files.sort();
    let mut found: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let path = file.strip_prefix(root()).unwrap().display();
        for (number, name) in text.lines().filter_map(test_of) {
            found.entry(number).or_default().push(format!("`o{name}` ({path})"));
        }
    }
    found.into_iter().map(|(number, names)| (number, names.join(", "))).collect()
}

#[test]
fn every_promise_has_a_test_or_a_reason() {
    let path = root().join("e2e/O-LIST.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let tests = tests();
    assert!(tests.keys().all(|number| (1..=LAST).contains(number)), "a test has a number that no promise has");
    let (mut written, mut seen) = (String::new(), 0);
    for line in text.lines() {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let number = cells[0].strip_prefix('O').and_then(|number| number.parse().ok());
        match (number, &cells[..]) {
            (Some(number), [_, what, then, _, beside]) => {
                seen += 1;
                assert_eq!(number, seen, "the list goes from O1 to O{LAST} without a hole");
                let shown = tests.get(&number).map_or("", String::as_str);
                let beside = if shown.is_empty() || *beside != UNDER_WAY { beside } else { "" };
                assert!(!(shown.is_empty() && beside.is_empty()), "O{number} has neither a test nor a reason");
                written += &format!("| O{number} | {what} | {then} | {shown} | {beside} |\n");
            }
            (Some(number), _) => panic!("O{number} has {} columns and not five: {line}", cells.len()),
            (None, _) => written += &format!("{line}\n"),
        }
    }
    assert_eq!(seen, LAST);
    if written != text {
        std::fs::write(&path, written).unwrap();
        panic!("e2e/O-LIST.md had drifted from the names of the tests; it is written anew: look at it and commit it");
    }
}
