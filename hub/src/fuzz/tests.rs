//! The corpus of `fuzz/` once more: what was ever found stays mended, and what leads deep into the code is run by every test.

use std::path::{Path, PathBuf};

use super::TARGETS;

fn corpus(target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn nothing_in_the_corpus_is_a_find() {
    for (name, target) in TARGETS {
        let files = corpus(name);
        assert!(files.len() >= 20, "fuzz/corpus/{name} has {} files", files.len());
        for file in files {
            let bytes = std::fs::read(&file).unwrap();
            let outcome = std::panic::catch_unwind(|| target(&bytes));
            assert!(outcome.is_ok(), "{} is a find", file.display());
        }
    }
}

#[test]
fn every_target_has_a_program() {
    for (name, _) in TARGETS {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../fuzz/targets/{name}.rs"));
        let program = std::fs::read_to_string(path).unwrap();
        assert!(program.contains(&format!("gohub::fuzz::{name}(bytes)")), "{name}");
    }
}

#[test]
fn the_targets_can_fail() {
    // A target that held nothing would run for ever without a find.
    let find = std::panic::catch_unwind(|| {
        super::republish(&crate::protocol::Request { key: Some("".into()), ..crate::protocol::Request::default() })
    });
    assert!(find.is_err());
}
