//! `config/config.yaml` and `config/settings.schema.json` are written from the types: a test run rewrites a stale file and fails, so
//! that neither documentation nor editors can say anything the hub does not do.

use std::{fs, path::PathBuf};

use gohub_settings::Settings;

/// Holds the file to what it should contain. On a difference it writes the file and fails, so that CI does: the next run passes.
/// With `GOHUB_GENERATE` (`make generate`) writing it is what was asked for.
fn ensure_file_contents(name: &str, expected: &str) {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "..", "..", "config", name].iter().collect();
    if fs::read_to_string(&path).is_ok_and(|found| found == expected) {
        return;
    }
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, expected).unwrap();
    if std::env::var_os("GOHUB_GENERATE").is_some() {
        return;
    }
    panic!("config/{name} was not what hub/settings says. It has been rewritten: review the change and commit it");
}

fn defaults_of(text: &str) -> Settings {
    Settings::from_yaml(text, std::iter::empty()).unwrap()
}

#[test]
fn the_generated_default_file_is_up_to_date() {
    ensure_file_contents("config.yaml", &Settings::reference());
}

#[test]
fn the_generated_json_schema_is_up_to_date() {
    ensure_file_contents("settings.schema.json", &Settings::schema_text());
}

#[test]
fn the_default_file_is_exactly_the_defaults() {
    assert_eq!(defaults_of(&Settings::reference()), Settings::default());
}

#[test]
fn the_default_file_names_every_field() {
    let schema: serde_json::Value = serde_json::from_str(&Settings::schema_text()).unwrap();
    let file = Settings::reference();
    let mut names = Vec::new();
    collect(&schema, &mut names);
    assert!(names.len() > 100, "{names:?}");
    for name in names {
        let is_named = |line: &str| line.trim_start_matches(['#', ' ', '-']).starts_with(&format!("{name}:"));
        assert!(file.lines().any(is_named), "config.yaml does not name {name}");
    }
}

fn collect(schema: &serde_json::Value, names: &mut Vec<String>) {
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        names.push(name.clone());
        collect(property, names);
    }
    if schema.get("items").is_some() {
        collect(&schema["items"], names);
    }
}

#[test]
fn every_commented_example_of_the_default_file_can_be_uncommented() {
    // `#name:` is a line to uncomment, `# text` is not; a list that is uncommented takes the place of `[]`.
    let mut text = String::new();
    for line in Settings::reference().lines() {
        let body = line.trim_start();
        let indent = &line[..line.len() - body.len()];
        match body.strip_prefix('#') {
            Some(code) if !code.starts_with(' ') || code.starts_with("  ") => {
                if let Some(list) = text.strip_suffix(" []\n") {
                    text = format!("{list}\n");
                }
                text += &format!("{indent}{code}\n");
            }
            Some(_) => {}
            None => text += &format!("{line}\n"),
        }
    }
    // TLS towards etcd asks for https, and endpoints are none by default, so the whole is valid.
    let settings = defaults_of(&text);
    assert!(settings.server.tls.is_some() && settings.cluster.etcd.tls.is_some(), "{text}");
    assert_eq!(
        (settings.routes.len(), settings.auth.tokens.len(), settings.rooms.overrides.len()),
        (1, 1, 1),
        "{text}"
    );
}
