//! Hubs that ask each other: partial answers, paging over hubs, keys, and a registry that follows etcd.

#[path = "etcd/cluster.rs"]
mod etcd;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use gohub::auth::{Revocation, Subject};
use gohub::blackbox::Life;
use gohub::cluster::{
    Ask, Budgets, ClientQuery, Cluster, ClusterError, ClusterParts, Imposition, LocalAnswers, Revoker, ShareHolder,
    Shares, Whereabouts,
};
use gohub::inventory::{ClientInfo, Listing, NodeInfo, Page, RefusedInfo, RoomInfo, Scope};
use gohub::lifecycle::Tasks;
use gohub::protocol::{ClientId, RoomName};
use gohub::shard::{Placement, Whom};
use gohub_settings::{Etcd, Secret};

const KEY: &str = "a key of sixteen or more";

/// A hub with one connection per client, all of them in `lobby` and in a room named after the hub.
struct Fake {
    node: String,
    clients: Mutex<Vec<ClientId>>,
    located: Mutex<Vec<usize>>,
    pause: Mutex<Duration>,
}

impl Revoker for Fake {
    fn revoked(&self, _: Revocation) {}

    fn restored(&self, _: &Subject) {}
}

impl ShareHolder for Fake {
    fn asks(&self) -> Budgets<Option<Ask>> {
        Budgets::default()
    }

    fn may_use(&self, _: Shares, _: Instant) {}
}

impl Fake {
    fn new(node: &str, clients: &[&str]) -> Arc<Self> {
        let clients = clients.iter().map(|name| ClientId::parse(name).unwrap()).collect();
        Arc::new(Self {
            node: node.to_owned(),
            clients: Mutex::new(clients),
            located: Mutex::default(),
            pause: Mutex::default(),
        })
    }

    fn clients(&self) -> Vec<ClientId> {
        self.clients.lock().unwrap().clone()
    }

    fn rooms_here(&self) -> Vec<String> {
        vec!["lobby".to_owned(), format!("room-{}", self.node)]
    }

    fn info(&self) -> NodeInfo {
        NodeInfo {
            node: self.node.clone(),
            address: String::new(),
            version: "1".to_owned(),
            phase: "ready".to_owned(),
            connections: self.clients().len() as u64,
            config_hash: "h".to_owned(),
            config_error: Some("e".to_owned()),
            started_at: 7,
        }
    }

    fn answer<T: Send + 'static>(&self, answer: T) -> BoxFuture<'_, T> {
        let pause = *self.pause.lock().unwrap();
        Box::pin(async move {
            tokio::time::sleep(pause).await;
            answer
        })
    }
}

impl LocalAnswers for Fake {
    fn rooms(&self, page: Page) -> BoxFuture<'_, Listing<RoomInfo>> {
        let members = self.clients().len() as u64;
        let nodes = vec![self.node.clone()];
        let rooms = self.rooms_here().into_iter().map(|room| RoomInfo { room, members, nodes: nodes.clone() });
        self.answer(Listing::of(rooms.collect(), &page))
    }

    fn clients(&self, query: ClientQuery, page: Page) -> BoxFuture<'_, Listing<ClientInfo>> {
        let is_meant = |client: &ClientId| {
            query.client.as_ref().is_none_or(|wanted| wanted == client)
                && query.room.as_ref().is_none_or(|room| self.rooms_here().iter().any(|here| here == room.as_str()))
        };
        let all = self.clients().into_iter().filter(is_meant).map(|client| ClientInfo {
            client_id: client.to_string(),
            node: self.node.clone(),
            connection: "1".to_owned(),
            address: "127.0.0.1:1".to_owned(),
            connected_at: 5,
            rooms: self.rooms_here(),
        });
        self.answer(Listing::of(all.collect(), &page))
    }

    fn kick(&self, client: ClientId, connection: Option<u64>) -> BoxFuture<'_, u64> {
        let mut clients = self.clients.lock().unwrap();
        let before = clients.len();
        clients.retain(|here| *here != client || connection.is_some_and(|connection| connection != 1));
        self.answer((before - clients.len()) as u64)
    }

    fn place(&self, whom: Whom, _: RoomName, _: Placement) -> BoxFuture<'_, (u64, Vec<RefusedInfo>)> {
        self.answer((u64::from(self.clients().contains(&whom.client)), Vec::new()))
    }

    fn impose(&self, whom: Whom, _: Imposition) -> BoxFuture<'_, u64> {
        self.answer(u64::from(self.clients().contains(&whom.client)))
    }

    fn why(&self, whom: Whom, limit: usize) -> BoxFuture<'_, Vec<Life>> {
        let life = Life { node: self.node.clone(), ..Life::default() };
        self.answer(vec![life; usize::from(self.clients().contains(&whom.client)).min(limit)])
    }

    fn stats(&self) -> BoxFuture<'_, NodeInfo> {
        self.answer(self.info())
    }

    fn members(&self, room: RoomName) -> BoxFuture<'_, Vec<ClientId>> {
        let is_here = self.rooms_here().iter().any(|here| here == room.as_str());
        self.answer(if is_here { self.clients() } else { Vec::new() })
    }

    fn locate(&self, clients: Vec<ClientId>) -> BoxFuture<'_, Vec<bool>> {
        self.located.lock().unwrap().push(clients.len());
        let here = self.clients();
        self.answer(clients.iter().map(|client| here.contains(client)).collect())
    }
}

struct Three {
    etcd: etcd::Cluster,
    client: etcd_client::Client,
    hubs: Vec<(Arc<Fake>, Arc<Cluster>)>,
}

async fn start(fake: &Arc<Fake>, endpoints: Vec<String>, key: &str) -> Result<Arc<Cluster>, ClusterError> {
    Cluster::start(ClusterParts {
        etcd: Etcd { endpoints, ..Etcd::default() },
        node: fake.node.clone(),
        listen: "127.0.0.1:0".parse().unwrap(),
        peer_key: Secret::new(key),
        local: fake.clone(),
        revoker: fake.clone(),
        tickets: None,
        holder: fake.clone(),
        tasks: Tasks::new(tokio::runtime::Handle::current()),
    })
    .await
}

/// Hubs a, b and c with the clients given, registered.
async fn three(clients: [&[&str]; 3]) -> Three {
    let etcd = etcd::Cluster::start(1).await;
    let mut client = etcd.client().await;
    let mut hubs = Vec::new();
    for (node, clients) in ["a", "b", "c"].into_iter().zip(clients) {
        let fake = Fake::new(node, clients);
        let hub = start(&fake, etcd.endpoints(), KEY).await.unwrap();
        register(&mut client, &fake, &hub.address().to_string()).await;
        hubs.push((fake, hub));
    }
    for (_, hub) in &hubs {
        seen(hub, 3).await;
    }
    Three { etcd, client, hubs }
}

async fn register(client: &mut etcd_client::Client, fake: &Fake, address: &str) {
    let entry = NodeInfo { address: address.to_owned(), ..fake.info() };
    let value = serde_json::to_string(&entry).unwrap();
    client.put(format!("/gohub/nodes/{}", fake.node), value, None).await.unwrap();
}

async fn seen(hub: &Cluster, count: usize) {
    let mut registry = hub.registry().clone();
    let until = registry.until(|nodes| nodes.len() == count);
    tokio::time::timeout(etcd::PATIENCE, until).await.expect("the registry follows");
}

fn all() -> Page {
    Page::default()
}

fn id(name: &str) -> ClientId {
    ClientId::parse(name).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_is_answered_for_all_hubs() {
    let Three { hubs, etcd, .. } = three([&["al", "bo"], &["bo", "cy"], &[]]).await;
    let (_, a) = &hubs[0];
    assert!(a.has_peers());
    let rooms = a.rooms(&Scope::Cluster, &all()).await;
    let names: Vec<_> = rooms.items.iter().map(|room| (room.room.as_str(), room.members, room.nodes.len())).collect();
    assert_eq!(names, [("lobby", 4, 3), ("room-a", 2, 1), ("room-b", 2, 1), ("room-c", 0, 1)]);
    assert!(rooms.missing.is_empty() && rooms.next.is_none());
    let only_bo = ClientQuery { client: Some(id("bo")), room: None };
    let found = a.clients(&Scope::Cluster, &only_bo, &all()).await;
    assert_eq!(found.items.iter().map(|info| info.node.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    let in_room = ClientQuery { client: None, room: Some(RoomName::parse("room-b").unwrap()) };
    assert_eq!(a.clients(&Scope::Cluster, &in_room, &all()).await.items.len(), 2);
    let (members, missing) = a.members(&RoomName::parse("lobby").unwrap()).await;
    assert_eq!((members, missing), (vec![id("al"), id("bo"), id("cy")], Vec::new()));
    let nodes = a.nodes(&all()).await;
    assert_eq!(nodes.items.iter().map(|node| node.connections).collect::<Vec<_>>(), [2, 2, 0]);
    assert_eq!((nodes.items[1].config_error.as_deref(), nodes.items[1].started_at), (Some("e"), 7));
    assert_eq!(a.kick(&Scope::Cluster, &id("bo"), None).await, (2, Vec::new()));
    assert_eq!(hubs[1].0.clients(), [id("cy")]);
    assert_eq!(a.kick(&Scope::Node("b".to_owned()), &id("cy"), Some(2)).await.0, 0);
    assert_eq!(a.kick(&Scope::Node("a".to_owned()), &id("al"), Some(1)).await.0, 1);
    drop(etcd);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_over_hubs_have_no_hole_and_no_repetition() {
    let Three { hubs, .. } = three([&["a1", "c1", "e1"], &["b1", "d1"], &["a2", "f1"]]).await;
    let (_, b) = &hubs[1];
    let (mut clients, mut rooms) = (Vec::new(), Vec::new());
    let mut page = Page { limit: 2, after: None };
    loop {
        let listing = b.clients(&Scope::Cluster, &ClientQuery::default(), &page).await;
        clients.extend(listing.items.into_iter().map(|info| info.client_id));
        let Some(next) = listing.next else { break };
        page.after = Some(next);
    }
    assert_eq!(clients, ["a1", "a2", "b1", "c1", "d1", "e1", "f1"]);
    let mut page = Page { limit: 1, after: None };
    loop {
        let listing = b.rooms(&Scope::Cluster, &page).await;
        rooms.extend(listing.items.into_iter().map(|room| (room.room, room.members)));
        let Some(next) = listing.next else { break };
        page.after = Some(next);
    }
    let expected = [("lobby", 7), ("room-a", 3), ("room-b", 2), ("room-c", 2)];
    assert_eq!(rooms.iter().map(|(room, members)| (room.as_str(), *members)).collect::<Vec<_>>(), expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_that_does_not_answer_is_named_and_the_rest_is_there() {
    let Three { hubs, mut client, etcd: _etcd } = three([&["al"], &["bo"], &["cy"]]).await;
    let (_, a) = &hubs[0];
    *hubs[1].0.pause.lock().unwrap() = Duration::from_secs(3600);
    hubs[2].1.close().await;
    let strange = Fake::new("d", &[]);
    register(&mut client, &strange, "not an address").await;
    seen(a, 4).await;
    let started = Instant::now();
    let found = a.clients(&Scope::Cluster, &ClientQuery::default(), &all()).await;
    assert!(started.elapsed() < Duration::from_secs(10));
    assert_eq!(found.items.iter().map(|info| info.client_id.as_str()).collect::<Vec<_>>(), ["al"]);
    let missing: Vec<_> = found.missing.iter().map(|missing| missing.node.as_str()).collect();
    assert_eq!(missing, ["b", "c", "d"]);
    assert!(found.missing[1].error.contains("reached") && found.missing[2].error.contains("address"));
    let nodes = a.nodes(&all()).await;
    assert_eq!((nodes.items.len(), nodes.missing.len()), (4, 3));
    assert_eq!(a.locate(id("bo")).await, Whereabouts::Unclear);
    let nobody = a.rooms(&Scope::Node("zz".to_owned()), &all()).await;
    assert!(nobody.items.is_empty() && nobody.missing[0].error.contains("no such hub"));
    *hubs[1].0.pause.lock().unwrap() = Duration::ZERO;
    assert_eq!(a.locate(id("bo")).await, Whereabouts::Known);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_clients_are_located_in_few_rounds_and_remembered() {
    let Three { hubs, .. } = three([&[], &["bo"], &["cy"]]).await;
    let (_, a) = &hubs[0];
    *hubs[1].0.pause.lock().unwrap() = Duration::from_millis(200);
    let first = a.locate(id("bo"));
    let others: Vec<_> = (0..500).map(|number| a.locate(id(&format!("client{number}")))).collect();
    assert_eq!(first.await, Whereabouts::Known);
    let answers = futures::future::join_all(others).await;
    assert!(answers.iter().all(|answer| *answer == Whereabouts::Nowhere));
    let asked = hubs[1].0.located.lock().unwrap().len();
    assert!(asked <= 3, "{asked} rounds");
    assert!(a.recently_located(&id("bo")) && !a.recently_located(&id("client7")));
    assert_eq!(a.locate(id("bo")).await, Whereabouts::Known);
    assert_eq!(hubs[1].0.located.lock().unwrap().len(), asked, "who was found is not looked for again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_with_another_key_is_not_answered() {
    let Three { hubs, etcd, mut client } = three([&["al"], &["bo"], &["cy"]]).await;
    let stranger = Fake::new("d", &[]);
    let hub = start(&stranger, etcd.endpoints(), "another key of sixteen").await.unwrap();
    register(&mut client, &stranger, &hub.address().to_string()).await;
    seen(&hub, 4).await;
    let found = hub.clients(&Scope::Cluster, &ClientQuery::default(), &all()).await;
    assert_eq!((found.items.len(), found.missing.len()), (0, 3));
    assert!(found.missing.iter().all(|missing| missing.error.contains("peer_key")), "{:?}", found.missing);
    drop(hubs);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_registry_follows_etcd_and_survives_its_absence() {
    let Three { hubs, mut etcd, mut client } = three([&["al"], &["bo"], &[]]).await;
    let (_, a) = &hubs[0];
    client.put("/gohub/nodes/rubbish", "?", None).await.unwrap();
    client.delete("/gohub/nodes/c", None).await.unwrap();
    seen(a, 2).await;
    etcd.kill_all();
    assert_eq!(a.clients(&Scope::Cluster, &ClientQuery::default(), &all()).await.items.len(), 2);
    etcd.restart_all().await;
    let mut client = etcd.client().await;
    register(&mut client, &hubs[2].0, "127.0.0.1:1").await;
    seen(a, 3).await;
    assert!(a.registry().get("c").is_some() && a.registry().get("zz").is_none());
    assert_eq!(a.registry().nodes().len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_in_use_is_named() {
    let first = start(&Fake::new("a", &[]), Vec::new(), "").await.unwrap();
    let parts = ClusterParts {
        etcd: Etcd::default(),
        node: "b".to_owned(),
        listen: first.address(),
        peer_key: Secret::default(),
        local: Fake::new("b", &[]),
        revoker: Fake::new("b", &[]),
        tickets: None,
        holder: Fake::new("b", &[]),
        tasks: Tasks::new(tokio::runtime::Handle::current()),
    };
    assert!(format!("{parts:?} {first:?}").contains("ClusterParts"));
    let error = Cluster::start(parts).await.err().unwrap();
    assert!(error.to_string().contains(&first.address().to_string()), "{error}");
    let none = first.clients(&Scope::Cluster, &ClientQuery::default(), &all()).await;
    assert!(!first.has_peers() && none.items.is_empty() && none.missing.is_empty());
}
