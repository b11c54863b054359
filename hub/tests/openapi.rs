//! docs/openapi.json is what the hub serves at /api/v1/openapi.json.

use std::path::Path;

#[test]
fn the_checked_in_document_is_the_one_that_is_served() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json");
    let served = format!("{}\n", gohub::admin::openapi().to_pretty_json().unwrap());
    let checked_in = std::fs::read_to_string(&path).unwrap_or_default();
    if checked_in != served {
        std::fs::write(&path, &served).unwrap();
        panic!("docs/openapi.json had drifted from the handlers; it is written anew: look at it and commit it");
    }
}

#[test]
fn every_call_has_a_name_of_its_own_for_generated_clients() {
    let document = serde_json::to_value(gohub::admin::openapi()).unwrap();
    let calls = document["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap().values());
    let mut names: Vec<&str> = calls.map(|call| call["operationId"].as_str().unwrap()).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count, "{names:?}");
}
