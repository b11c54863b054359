//! What the pages for newcomers promise: commands, links, settings and messages that really exist.
//!
//! A reader who copies a line that does not work does not copy a second one.

use std::fs;
use std::path::{Path, PathBuf};

use gohub::protocol::{Format, decode};
use gohub_settings::Settings;

const PAGES: [&str; 4] = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

fn page(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap()
}

/// The README's fenced blocks with this info string, e.g. `json client`.
fn blocks(info: &str) -> Vec<String> {
    let readme = page("README.md");
    let mut blocks = Vec::new();
    let mut parts = readme.split("\n```");
    parts.next();
    while let (Some(block), _) = (parts.next(), parts.next()) {
        if let Some(body) = block.strip_prefix(info).and_then(|rest| rest.strip_prefix('\n')) {
            blocks.push(body.to_owned());
        }
    }
    assert!(!blocks.is_empty(), "README.md has no block marked `{info}`");
    blocks
}

#[test]
fn every_make_target_that_a_page_names_exists() {
    let makefile = page("Makefile");
    for name in PAGES {
        let text = page(name);
        for rest in text.split("`make ").skip(1).chain(text.split("\nmake ").skip(1)) {
            let named = |c: &char| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '-';
            let target: String = rest.chars().take_while(named).collect();
            assert!(makefile.contains(&format!("\n{target}:")), "{name} says `make {target}`");
        }
    }
}

#[test]
fn the_ci_runs_the_test_commands_of_the_readme() {
    let (readme, ci) = (page("README.md"), page(".ci/run"));
    for command in ["make test", "make e2e-smoke"] {
        assert!(readme.contains(&format!("\n{command} ")), "README.md has {command}");
        assert!(ci.lines().any(|line| line.starts_with(command)), ".ci/run calls {command}");
    }
    let workflow = page(".github/workflows/ci.yml");
    assert!(
        readme.contains("\nmake sdk-test ") && workflow.contains("run: make sdk-test"),
        "the workflow calls make sdk-test"
    );
}

#[test]
fn every_relative_link_leads_somewhere() {
    for name in PAGES {
        let text = page(name);
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = link.split('#').next().unwrap_or_default();
            if !path.is_empty() && !path.contains("://") {
                assert!(root().join(path).exists(), "{name} links to {path}");
            }
        }
    }
}

#[test]
fn every_message_of_the_readme_is_one_that_the_hub_understands() {
    for line in blocks("json client").iter().flat_map(|block| block.lines()) {
        decode(Format::Json, line.as_bytes()).unwrap_or_else(|refused| panic!("{line}: {refused:?}"));
    }
}

#[test]
fn the_settings_of_the_readme_are_settings() {
    for text in blocks("yaml config") {
        Settings::from_yaml(&text, std::iter::empty()).unwrap();
    }
    let readme = page("README.md");
    let words = readme.split(|c: char| c.is_whitespace() || c == '`');
    let assigned: Vec<(String, String)> = words
        .filter(|word| word.starts_with("GOHUB_"))
        .filter_map(|word| word.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.trim_end_matches(['.', ',']).to_owned()))
        .collect();
    assert!(assigned.len() > 5, "found only {assigned:?}");
    // One by one, because some set the same thing for two hubs; a cluster without endpoints is refused as a whole.
    for (name, value) in assigned.iter().filter(|(name, _)| name != "GOHUB_CLUSTER__ENABLED") {
        let set = std::iter::once((name.clone(), value.clone()));
        Settings::from_yaml("", set).unwrap_or_else(|error| panic!("{name}={value}: {error}"));
    }
}
