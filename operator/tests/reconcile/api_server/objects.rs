//! The objects: versions, generations, field managers.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::answer::Place;

#[derive(Default)]
pub(super) struct Objects {
    /// By path.
    all: BTreeMap<String, Value>,
    /// What each manager applied last, by path and manager.
    applied: BTreeMap<(String, String), Value>,
    /// Who took a field by an edit, by path and pointer.
    taken: BTreeMap<(String, String), String>,
    version: u64,
    oldest: u64,
    uids: u64,
    /// What happened, for watches.
    pub(super) history: Vec<(u64, &'static str, String, Value)>,
}

/// A field that somebody else owns with another value.
pub(super) struct Conflict {
    pub(crate) manager: String,
    pub(crate) pointer: String,
}

impl Objects {
    pub(super) fn version(&self) -> u64 {
        self.version
    }

    pub(super) fn oldest(&self) -> u64 {
        self.oldest
    }

    pub(super) fn compact(&mut self) {
        self.version += 1;
        self.oldest = self.version;
    }

    pub(super) fn get(&self, path: &str) -> Option<&Value> {
        self.all.get(path)
    }

    fn path(&self, plural: &str, name: &str) -> Option<String> {
        let found = self.all.keys().find(|path| {
            let place = Place::of(path);
            place.plural == plural && place.name == Some(name)
        });
        found.cloned()
    }

    pub(super) fn find(&self, plural: &str, name: &str) -> Option<&Value> {
        self.get(&self.path(plural, name)?)
    }

    pub(super) fn of(&self, plural: &str) -> impl Iterator<Item = &Value> {
        self.all.iter().filter(move |(path, _)| Place::of(path).plural == plural).map(|(_, object)| object)
    }

    /// Those of a collection, whether of one namespace or of all.
    pub(super) fn inside(&self, collection: &str) -> impl Iterator<Item = &Value> {
        self.all.iter().filter(move |(path, _)| is_inside(path, collection)).map(|(_, object)| object)
    }

    pub(super) fn versions(&self) -> Vec<(String, Value)> {
        let version = |object: &Value| object["metadata"]["resourceVersion"].clone();
        self.all.iter().map(|(path, object)| (path.clone(), version(object))).collect()
    }

    /// Writes an object; its version moves only if it differs.
    pub(super) fn put(&mut self, path: &str, mut object: Value) -> Value {
        let before = self.all.get(path).cloned();
        let metadata = object["metadata"].as_object_mut().expect("an object has metadata");
        metadata.remove("resourceVersion");
        if let Some(before) = &before {
            for kept in ["uid", "creationTimestamp", "generation"] {
                metadata.insert(kept.to_owned(), before["metadata"][kept].clone());
            }
            let mut same = before.clone();
            same["metadata"].as_object_mut().unwrap().remove("resourceVersion");
            if same == object {
                return before.clone();
            }
        } else {
            self.uids += 1;
            metadata.entry("uid").or_insert(json!(format!("uid-{}", self.uids)));
            metadata.entry("creationTimestamp").or_insert(json!("2026-01-01T00:00:00Z"));
            metadata.insert("generation".to_owned(), json!(0));
        }
        if before.as_ref().is_none_or(|before| before["spec"] != object["spec"]) {
            let generation = object["metadata"]["generation"].as_u64().unwrap_or_default();
            object["metadata"]["generation"] = json!(generation + 1);
        }
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        let what = if before.is_some() { "MODIFIED" } else { "ADDED" };
        self.history.push((self.version, what, path.to_owned(), object.clone()));
        self.all.insert(path.to_owned(), object.clone());
        object
    }

    pub(super) fn remove_path(&mut self, path: &str) {
        let Some(mut gone) = self.all.remove(path) else { return };
        self.applied.retain(|(there, _), _| there != path);
        self.taken.retain(|(there, _), _| there != path);
        self.version += 1;
        gone["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.history.push((self.version, "DELETED", path.to_owned(), gone));
    }

    pub(super) fn remove(&mut self, plural: &str, name: &str) {
        let path = self.path(plural, name).expect("it is there");
        self.remove_path(&path);
    }

    pub(super) fn change(&mut self, plural: &str, name: &str, work: impl FnOnce(&mut Value)) {
        let path = self.path(plural, name).expect("it is there");
        let mut object = self.all[&path].clone();
        work(&mut object);
        self.put(&path, object);
    }

    pub(super) fn edit(&mut self, plural: &str, name: &str, manager: &str, pointer: &str, value: Value) {
        let path = self.path(plural, name).expect("it is there");
        self.taken.insert((path, pointer.to_owned()), manager.to_owned());
        self.change(plural, name, |object| set(object, pointer, value));
    }

    /// Server-side apply.
    pub(super) fn apply(
        &mut self,
        path: &str,
        manager: &str,
        body: &Value,
        force: bool,
    ) -> Result<Value, Vec<Conflict>> {
        let live = self.all.get(path).cloned();
        let mut conflicts = Vec::new();
        if let Some(live) = &live {
            for ((_, pointer), other) in self.taken.iter().filter(|((there, _), _)| there == path) {
                let (wanted, now) = (body.pointer(pointer), live.pointer(pointer));
                if other != manager && wanted.is_some() && wanted != now {
                    conflicts.push(Conflict { manager: other.clone(), pointer: pointer.clone() });
                }
            }
        }
        if !conflicts.is_empty() && !force {
            return Err(conflicts);
        }
        for conflict in conflicts {
            self.taken.remove(&(path.to_owned(), conflict.pointer));
        }
        let mut new = live.unwrap_or_else(|| json!({ "metadata": {} }));
        let key = (path.to_owned(), manager.to_owned());
        if let Some(before) = self.applied.get(&key) {
            remove_left_out(&mut new, before, body);
        }
        merge(&mut new, body);
        new["metadata"]["managedFields"] = json!([{ "manager": manager, "operation": "Apply" }]);
        self.applied.insert(key, body.clone());
        Ok(self.put(path, new))
    }
}

pub(super) fn is_inside(path: &str, collection: &str) -> bool {
    let (object, all) = (Place::of(path), Place::of(collection));
    let namespace =
        |path: &str| path.split("/namespaces/").nth(1).map(|rest| rest.split('/').next().unwrap().to_owned());
    let group = |path: &str| {
        path.split(&format!("/{}", all.plural)).next().unwrap().split("/namespaces/").next().unwrap().to_owned()
    };
    object.plural == all.plural
        && group(path) == group(collection)
        && (namespace(collection).is_none() || namespace(collection) == namespace(path))
}

fn set(object: &mut Value, pointer: &str, value: Value) {
    let mut at = object;
    for part in pointer.split('/').skip(1) {
        let part = part.replace("~1", "/");
        at = match at {
            Value::Array(items) => &mut items[part.parse::<usize>().expect("an index")],
            at => &mut at[part],
        };
    }
    *at = value;
}

/// Maps are merged; lists are taken as they are, which is enough for what the operator applies.
fn merge(live: &mut Value, applied: &Value) {
    match (live, applied) {
        (Value::Object(live), Value::Object(applied)) => {
            for (key, value) in applied {
                merge(live.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (live, applied) => *live = applied.clone(),
    }
}

fn remove_left_out(live: &mut Value, before: &Value, now: &Value) {
    let (Value::Object(live), Value::Object(before)) = (live, before) else { return };
    for (key, was) in before {
        match now.get(key) {
            None => {
                live.remove(key);
            }
            Some(now) => {
                if let Some(live) = live.get_mut(key) {
                    remove_left_out(live, was, now);
                }
            }
        }
    }
}
