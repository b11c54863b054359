//! What a hub, or all of them, can be asked about: connections, rooms, nodes, page by page.
//!
//! These are the answers of the admin API and of the questions between hubs alike, so that a list of one hub and a list of the cluster
//! differ only in what they leave out: [`Listing::missing`] says which hubs did not answer.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Most items a page may have.
pub const MAX_PAGE: usize = 1000;

/// Which hubs are asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Scope {
    /// All hubs of the cluster; in single mode that is this one.
    #[default]
    Cluster,
    /// The hub with this node id.
    Node(String),
}

/// Which part of a list is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Most items, 1 to [`MAX_PAGE`].
    pub limit: usize,
    /// The `next` of the page before; `None` begins.
    pub after: Option<String>,
}

impl Default for Page {
    fn default() -> Self {
        Self { limit: 100, after: None }
    }
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Listing<T> {
    /// The items, ordered by their key.
    pub items: Vec<T>,
    /// What to ask for next (`?after=`); absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Hubs that did not answer: their items are not here.
    pub missing: Vec<Missing>,
}

impl<T> Default for Listing<T> {
    fn default() -> Self {
        Self { items: Vec::new(), next: None, missing: Vec::new() }
    }
}

/// A hub that did not answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Missing {
    /// Its node id.
    pub node: String,
    /// Why not.
    pub error: String,
}

/// A connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClientInfo {
    /// The client it belongs to; one client may have several connections.
    pub client_id: String,
    /// Its hub.
    pub node: String,
    /// Its id on that hub: a text, because JavaScript cannot count that far.
    pub connection: String,
    /// The peer's address and port.
    pub address: String,
    /// Since when it is open, unix milliseconds.
    pub connected_at: u64,
    /// The rooms it is in.
    pub rooms: Vec<String>,
}

/// A room somebody is in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RoomInfo {
    /// Its name.
    pub room: String,
    /// Connections in it, on all hubs that answered.
    pub members: u64,
    /// Those hubs.
    pub nodes: Vec<String>,
}

/// A hub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NodeInfo {
    /// Its node id.
    pub node: String,
    /// Where other hubs reach it; empty in single mode.
    pub address: String,
    /// Its version.
    pub version: String,
    /// Its phase: `starting`, `ready`, `draining`, `stopped`.
    pub phase: String,
    /// Its open connections.
    pub connections: u64,
    /// Hash of the configuration it runs on.
    pub config_hash: String,
    /// Why it refuses the newest configuration; absent when it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_error: Option<String>,
    /// Since when it runs, unix milliseconds.
    pub started_at: u64,
}

/// A connection that was not put where it was wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RefusedInfo {
    /// Its hub.
    pub node: String,
    /// Its id on that hub.
    pub connection: String,
    /// Why, as a code of the protocol.
    pub code: String,
    /// The same for people.
    pub message: String,
}

/// An item that a list orders by a key and pages through.
pub trait Keyed {
    /// What the list is ordered by; unique in it.
    fn key(&self) -> String;
}

impl Keyed for ClientInfo {
    fn key(&self) -> String {
        // '/' is in no client id, so the keys of one client stay together and apart from those of another.
        format!("{}/{}/{}", self.client_id, self.node, self.connection)
    }
}

impl Keyed for RoomInfo {
    fn key(&self) -> String {
        self.room.clone()
    }
}

impl Keyed for NodeInfo {
    fn key(&self) -> String {
        self.node.clone()
    }
}

impl<T: Keyed> Listing<T> {
    /// The page `page` of `items`, which come in any order.
    #[must_use]
    pub fn of(items: Vec<T>, page: &Page) -> Self {
        let mut keyed: Vec<(String, T)> = items
            .into_iter()
            .map(|item| (item.key(), item))
            .filter(|(key, _)| page.after.as_ref().is_none_or(|after| key > after))
            .collect();
        keyed.sort_by(|(a, _), (b, _)| a.cmp(b));
        let more = keyed.len() > page.limit;
        keyed.truncate(page.limit);
        let next = if more { keyed.last().map(|(key, _)| key.clone()) } else { None };
        Self { items: keyed.into_iter().map(|(_, item)| item).collect(), next, missing: Vec::new() }
    }

    /// The page `page` of what several hubs answered with the same page each: whoever has more than fits here, or more behind its own
    /// page, leaves a `next`.
    #[must_use]
    pub fn merge(pages: Vec<Self>, page: &Page) -> Self {
        // A hub whose page ended before its list did knows nothing beyond that key: neither may the merged page.
        let known_to = pages.iter().filter_map(|page| page.next.clone()).min();
        let mut missing: Vec<Missing> = Vec::new();
        let mut items = Vec::new();
        for page in pages {
            missing.extend(page.missing);
            items.extend(page.items.into_iter().filter(|item| known_to.as_ref().is_none_or(|end| item.key() <= *end)));
        }
        let mut merged = Self::of(items, page);
        merged.next = merged.next.or(known_to);
        merged.missing = missing;
        merged
    }
}

/// Adds up the rooms of several hubs: one room may have members on many.
#[must_use]
pub fn add_up(rooms: impl IntoIterator<Item = RoomInfo>) -> Vec<RoomInfo> {
    let mut sums: BTreeMap<String, RoomInfo> = BTreeMap::new();
    for room in rooms {
        match sums.get_mut(&room.room) {
            Some(sum) => {
                sum.members += room.members;
                sum.nodes.extend(room.nodes);
            }
            None => {
                sums.insert(room.room.clone(), room);
            }
        }
    }
    sums.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(name: &str, node: &str) -> RoomInfo {
        RoomInfo { room: name.to_owned(), members: 1, nodes: vec![node.to_owned()] }
    }

    fn names(listing: &Listing<RoomInfo>) -> Vec<&str> {
        listing.items.iter().map(|room| room.room.as_str()).collect()
    }

    #[test]
    fn pages_follow_one_another_without_hole_or_repetition() {
        let all: Vec<_> = ["d", "a", "c", "e", "b"].iter().map(|name| room(name, "n1")).collect();
        let mut seen = Vec::new();
        let mut page = Page { limit: 2, after: None };
        loop {
            let listing = Listing::of(all.clone(), &page);
            seen.extend(names(&listing).into_iter().map(str::to_owned));
            match listing.next {
                Some(next) => page.after = Some(next),
                None => break,
            }
        }
        assert_eq!(seen, ["a", "b", "c", "d", "e"]);
    }

    #[test]
    fn a_merged_page_goes_no_further_than_every_hub_has_told() {
        let page = Page { limit: 3, after: None };
        let one = Listing::of(["a", "b", "c", "d"].map(|name| room(name, "n1")).into(), &page);
        let other = Listing::of(["x", "y"].map(|name| room(name, "n2")).into(), &page);
        let merged = Listing::merge(vec![one, other], &page);
        assert_eq!(names(&merged), ["a", "b", "c"]);
        assert_eq!(merged.next.as_deref(), Some("c"), "d is still to come, and must come before x");
    }

    #[test]
    fn a_room_on_two_hubs_is_one_room() {
        let sums = add_up([room("lobby", "n1"), room("lobby", "n2"), room("other", "n2")]);
        assert_eq!((sums.len(), sums[0].members, sums[0].nodes.join(",")), (2, 2, "n1,n2".to_owned()));
    }
}
