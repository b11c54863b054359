//! A hub that is told what to say, behind the admin listener.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use futures::FutureExt;
use futures::future::BoxFuture;
use gohub::admin::{ClientFilter, Control, Everybody, Failure, Kicked, PlacedAnswer, Reached};
use gohub::auth::{Revocation, Subject};
use gohub::blackbox::Lives;
use gohub::cluster::Imposition;
use gohub::inventory::{ClientInfo, Listing, Missing, NodeInfo, Page, RefusedInfo, RoomInfo, Scope};
use gohub::protocol::{ClientId, Epoch, ErrorCode, Offset, Publication, RoomName, Target};
use gohub::shard::{self, HistoryPage, Placement, Whom};

/// A hub that remembers what was published, knows one client and one room, and has a silent sibling.
#[derive(Default)]
pub(crate) struct Stub {
    pub(crate) published: Mutex<Vec<Publication>>,
    pub(crate) asked: Mutex<Vec<String>>,
    pub(crate) cut_off: AtomicBool,
    pub(crate) draining: AtomicBool,
}

impl Stub {
    fn asked(&self, what: String) {
        self.asked.lock().unwrap().push(what);
    }
}

fn silent_sibling() -> Vec<Missing> {
    vec![Missing { node: "n2".to_owned(), error: "no answer within 2s".to_owned() }]
}

impl Control for Stub {
    fn alive(&self) -> Result<(), String> {
        Ok(())
    }

    fn ready(&self) -> Result<(), String> {
        if self.cut_off.load(Relaxed) { Err("no canary for 10s".to_owned()) } else { Ok(()) }
    }

    fn accepting(&self) -> Result<(), String> {
        Err("100000 of 100000 connections".to_owned())
    }

    fn publish(&self, publications: Vec<Publication>) -> BoxFuture<'_, Vec<Result<Offset, Failure>>> {
        let mut published = self.published.lock().unwrap();
        let results = publications
            .into_iter()
            .map(|publication| {
                if self.cut_off.load(Relaxed) {
                    return Err(Failure::new(ErrorCode::BusUnavailable, "etcd does not answer"));
                }
                if matches!(&publication.target, Target::Client(id) if id.as_str() != "alice") {
                    return Err(Failure::new(ErrorCode::ClientUnknown, "no such client is connected"));
                }
                published.push(publication);
                Ok(Offset { major: published.len() as u64, minor: 0 })
            })
            .collect();
        std::future::ready(results).boxed()
    }

    fn clients(
        &self,
        scope: Scope,
        filter: ClientFilter,
        page: Page,
    ) -> BoxFuture<'_, Result<Listing<ClientInfo>, Failure>> {
        self.asked(format!("{scope:?} {filter:?} {page:?}"));
        let alice = ClientInfo {
            client_id: "alice".to_owned(),
            node: "n1".to_owned(),
            connection: "17".to_owned(),
            address: "127.0.0.1:40000".to_owned(),
            connected_at: 1,
            rooms: vec!["lobby".to_owned()],
        };
        let listing = Listing { items: vec![alice], next: Some("alice".to_owned()), missing: silent_sibling() };
        std::future::ready(Ok(listing)).boxed()
    }

    fn rooms(&self, scope: Scope, _: Page) -> BoxFuture<'_, Result<Listing<RoomInfo>, Failure>> {
        let answer = match scope {
            Scope::Node(node) if node != "n1" => {
                Err(Failure::new(ErrorCode::Timeout, format!("{node} does not answer")))
            }
            _ => Ok(Listing::default()),
        };
        std::future::ready(answer).boxed()
    }

    fn nodes(&self, _: Page) -> BoxFuture<'_, Result<Listing<NodeInfo>, Failure>> {
        std::future::ready(Ok(Listing { missing: silent_sibling(), ..Listing::default() })).boxed()
    }

    fn kick(&self, _: Scope, client: ClientId, connection: Option<u64>) -> BoxFuture<'_, Result<Kicked, Failure>> {
        let connections = u64::from(client.as_str() == "alice" && connection.is_none_or(|id| id == 17));
        std::future::ready(Ok(Kicked { connections, missing: Vec::new() })).boxed()
    }

    fn place(
        &self,
        scope: Scope,
        whom: Whom,
        room: RoomName,
        placement: Placement,
    ) -> BoxFuture<'_, Result<PlacedAnswer, Failure>> {
        self.asked(format!("{scope:?} {whom:?} {room} {placement:?}"));
        let mut answer = PlacedAnswer::default();
        match (whom.client.as_str(), room.as_str()) {
            ("alice", "full") => answer.refused.push(RefusedInfo {
                node: "n1".to_owned(),
                connection: "17".to_owned(),
                code: ErrorCode::TooManyRooms.name().to_owned(),
                message: "a connection may be in 2 rooms".to_owned(),
            }),
            ("alice", _) => answer.connections = 2,
            ("hidden", _) => answer.missing = silent_sibling(),
            _ => {}
        }
        std::future::ready(Ok(answer)).boxed()
    }

    fn impose(&self, scope: Scope, whom: Whom, imposition: Imposition) -> BoxFuture<'_, Result<Reached, Failure>> {
        self.asked(format!("{scope:?} {whom:?} {imposition:?}"));
        let connections = u64::from(whom.client.as_str() == "alice");
        std::future::ready(Ok(Reached { connections, missing: Vec::new() })).boxed()
    }

    fn members(&self, _: RoomName) -> BoxFuture<'_, Result<Everybody, Failure>> {
        let members = ["alice", "bob", "carol"].map(|name| ClientId::parse(name).unwrap()).to_vec();
        std::future::ready(Ok((members, silent_sibling()))).boxed()
    }

    fn why(&self, scope: Scope, whom: Whom, limit: usize) -> BoxFuture<'_, Result<Lives, Failure>> {
        self.asked(format!("{scope:?} {whom:?} {limit}"));
        let lives = Lives { client_id: whom.client.to_string(), lives: Vec::new(), missing: silent_sibling() };
        std::future::ready(Ok(lives)).boxed()
    }

    fn history(&self, room: RoomName, page: shard::Page) -> BoxFuture<'_, Result<HistoryPage, Failure>> {
        self.asked(format!("{room} {page:?}"));
        let page = HistoryPage {
            epoch: Epoch::parse("e1").unwrap(),
            offset: Offset { major: 17, minor: 1 },
            messages: vec![br#"{"message_id":22,"data":{ "a" : 1.0 }}"#.to_vec()],
            complete: false,
        };
        std::future::ready(Ok(page)).boxed()
    }

    fn revoke(&self, _: Revocation, _: u64) -> BoxFuture<'_, Result<(), Failure>> {
        std::future::ready(Ok(())).boxed()
    }

    fn restore(&self, _: Subject) -> BoxFuture<'_, Result<bool, Failure>> {
        std::future::ready(Ok(true)).boxed()
    }

    fn revocations(&self) -> Vec<Revocation> {
        Vec::new()
    }

    fn drain(&self) -> bool {
        !self.draining.swap(true, Relaxed)
    }
}
