//! The other hubs: who they are, and what they are asked.
//!
//! ```text
//! etcd <prefix>/nodes/ --watch--> Registry --> Peers --gRPC--> Questions of every other hub
//!                                                ^                       |
//!   admin API, dispatcher ---- Cluster ----------+        Questions of this hub <-- LocalAnswers (the app)
//! ```
//!
//! Messages go over the bus; here go only questions, and every answer is partial by nature: it names the hubs that did not answer in
//! time. Who asks: docs/adr/0009. A unicast to a client nobody here knows is looked up with [`Cluster::locate`].

mod answers;
mod follow;
mod key;
mod locate;
mod peers;
mod registry;
mod revocations;
mod service;
mod shares;
mod vouchers;
mod wire;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, join_all};
use gohub_settings::{Etcd, Secret};
use thiserror::Error;

pub use answers::{ClientQuery, Imposition, LocalAnswers};
pub use locate::Whereabouts;
pub use registry::{Nodes, Registry};
pub use revocations::Revoker;
pub use shares::{Ask, Budgets, ShareHolder, Shares};

use crate::auth::{Revocation, Subject, Tickets};
use crate::blackbox::Life;
use crate::inventory::{ClientInfo, Listing, Missing, NodeInfo, Page, RefusedInfo, RoomInfo, Scope, add_up};
use crate::lifecycle::Tasks;
use crate::protocol::{ClientId, RoomName};
use crate::shard::{Placement, Whom};
use locate::Locator;
use peers::Peers;
use revocations::Revocations;

/// How long other hubs are waited for.
pub const DEADLINE: Duration = Duration::from_secs(2);

/// Why the questions cannot be served.
#[derive(Debug, Error)]
pub enum ClusterError {
    /// The address of `cluster.grpc_addr` cannot be had.
    #[error("listening for other hubs on {address} failed: {error}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        error: std::io::Error,
    },
    /// `cluster.peer_key` cannot be sent.
    #[error("cluster.peer_key must be visible ASCII characters")]
    Key,
    /// etcd did not do what it was asked.
    #[error("etcd: {0}")]
    Etcd(String),
}

/// What a cluster is made of.
pub struct ClusterParts {
    /// Where etcd is.
    pub etcd: Etcd,
    /// This hub's name in the registry.
    pub node: String,
    /// `cluster.grpc_addr`: where this hub answers.
    pub listen: SocketAddr,
    /// `cluster.peer_key`: what hubs show each other.
    pub peer_key: Secret,
    /// The answers for this hub.
    pub local: Arc<dyn LocalAnswers>,
    /// Who acts on what is revoked.
    pub revoker: Arc<dyn Revoker>,
    /// Resume tickets that all hubs share from now on; `None`: this hub has none.
    pub tickets: Option<Arc<Tickets>>,
    /// Who uses this hub's shares of the limits of the cluster.
    pub holder: Arc<dyn ShareHolder>,
    /// Where its tasks run; it stops its own group of them.
    pub tasks: Tasks,
}

/// This hub among the others.
pub struct Cluster {
    node: String,
    local: Arc<dyn LocalAnswers>,
    peers: Arc<Peers>,
    locator: Locator,
    revocations: Revocations,
    address: SocketAddr,
    tasks: Tasks,
}

impl Cluster {
    /// Listens for questions, and follows the registry.
    ///
    /// # Errors
    /// See [`ClusterError`].
    pub async fn start(parts: ClusterParts) -> Result<Arc<Self>, ClusterError> {
        let ClusterParts { etcd, node, listen, peer_key, local, revoker, tickets, holder, tasks } = parts;
        let tasks = tasks.group();
        let key = key::PeerKey::new(&peer_key)?;
        let address = service::listen(listen, Arc::clone(&local), key.clone(), &tasks).await?;
        let revocations = Revocations::follow(etcd.clone(), revoker, &tasks);
        if let Some(tickets) = tickets {
            vouchers::share(&etcd, &tickets, &tasks);
        }
        shares::keep(etcd.clone(), holder, &tasks);
        let registry = Registry::follow(etcd, &tasks);
        let peers = Arc::new(Peers::new(node.clone(), registry, key));
        let locator = Locator::start(Arc::clone(&peers), &tasks);
        Ok(Arc::new(Self { node, local, peers, locator, revocations, address, tasks }))
    }

    /// Where this hub answers; its port is the one the system chose when 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The registry as it was last heard of, this hub included once it is registered.
    pub fn registry(&self) -> &Registry {
        self.peers.registry()
    }

    /// Whether there are other hubs.
    pub fn has_peers(&self) -> bool {
        self.peers.exist()
    }

    /// Rooms, added up over the hubs.
    pub async fn rooms(&self, scope: &Scope, page: &Page) -> Listing<RoomInfo> {
        let asked = self.peers.ask(scope, |peer| peer.rooms(page.clone()));
        let (own, asked) = futures::join!(self.here(scope, self.local.rooms(page.clone())), asked);
        let (pages, missing) = asked;
        // A hub whose page ended before its list did knows nothing beyond that key.
        let pages: Vec<Listing<RoomInfo>> = own.into_iter().chain(pages).collect();
        let known_to = pages.iter().filter_map(|page| page.next.clone()).min();
        let all = pages.into_iter().flat_map(|page| page.items);
        let sums = add_up(all.filter(|room| known_to.as_ref().is_none_or(|end| room.room <= *end)));
        let mut listing = Listing::of(sums, page);
        listing.next = listing.next.or(known_to);
        listing.missing = missing;
        listing
    }

    /// Connections of the hubs.
    pub async fn clients(&self, scope: &Scope, query: &ClientQuery, page: &Page) -> Listing<ClientInfo> {
        let asked = self.peers.ask(scope, |peer| peer.clients(query.clone(), page.clone()));
        let own = self.here(scope, self.local.clients(query.clone(), page.clone()));
        let (own, (pages, missing)) = futures::join!(own, asked);
        let mut listing = Listing::merge(own.into_iter().chain(pages).collect(), page);
        listing.missing.extend(missing);
        listing
    }

    /// How the hubs are. One that does not answer is listed as the registry knows it, and among the missing.
    pub async fn nodes(&self, page: &Page) -> Listing<NodeInfo> {
        let asked = self.peers.ask(&Scope::Cluster, |peer| peer.stats());
        let (own, (mut nodes, missing)) = futures::join!(self.local.stats(), asked);
        let silent = missing.iter().filter_map(|missing| self.registry().get(&missing.node));
        nodes.extend(silent);
        nodes.push(own);
        let mut listing = Listing::of(nodes, page);
        listing.missing = missing;
        listing
    }

    /// Closes connections of a client. Returns how many, and who did not answer: it may live on there.
    pub async fn kick(&self, scope: &Scope, client: &ClientId, connection: Option<u64>) -> (u64, Vec<Missing>) {
        let asked = self.peers.ask(scope, |peer| peer.kick(client.clone(), connection));
        let (own, (counts, missing)) =
            futures::join!(self.here(scope, self.local.kick(client.clone(), connection)), asked);
        (own.into_iter().chain(counts).sum(), missing)
    }

    /// Puts connections of a client into a room, or takes them out: how many are where they were wanted, who is not, and who did not answer.
    pub async fn place(
        &self,
        scope: &Scope,
        whom: &Whom,
        room: &RoomName,
        placement: Placement,
    ) -> (u64, Vec<RefusedInfo>, Vec<Missing>) {
        let asked = self.peers.ask(scope, |peer| peer.place(whom.clone(), room.clone(), placement));
        let own = self.here(scope, self.local.place(whom.clone(), room.clone(), placement));
        let (own, (answers, missing)) = futures::join!(own, asked);
        let (mut connections, mut refused) = (0, Vec::new());
        for (count, those) in own.into_iter().chain(answers) {
            connections += count;
            refused.extend(those);
        }
        (connections, refused, missing)
    }

    /// Changes what counts for connections of a client: how many, and who did not answer.
    pub async fn impose(&self, scope: &Scope, whom: &Whom, imposition: &Imposition) -> (u64, Vec<Missing>) {
        let asked = self.peers.ask(scope, |peer| peer.impose(whom.clone(), imposition.clone()));
        let own = self.here(scope, self.local.impose(whom.clone(), imposition.clone()));
        let (own, (counts, missing)) = futures::join!(own, asked);
        (own.into_iter().chain(counts).sum(), missing)
    }

    /// What became of connections of a client, the newest first, at most so many; and who did not answer.
    pub async fn why(&self, scope: &Scope, whom: &Whom, limit: usize) -> (Vec<Life>, Vec<Missing>) {
        let asked = self.peers.ask(scope, |peer| peer.why(whom.clone(), limit));
        let (own, (answers, missing)) = futures::join!(self.here(scope, self.local.why(whom.clone(), limit)), asked);
        let mut lives: Vec<Life> = own.into_iter().chain(answers).flatten().collect();
        lives.sort_by_key(|life| std::cmp::Reverse(life.opened_at));
        lives.truncate(limit);
        (lives, missing)
    }

    /// Everybody in a room, each client once, in the order of their names.
    pub async fn members(&self, room: &RoomName) -> (Vec<ClientId>, Vec<Missing>) {
        let asked = self.peers.ask(&Scope::Cluster, |peer| peer.members(room.clone()));
        let (mut all, (lists, missing)) = futures::join!(self.local.members(room.clone()), asked);
        all.extend(lists.into_iter().flatten());
        all.sort_unstable();
        all.dedup();
        (all, missing)
    }

    /// Which of these clients are connected on another hub, or may resume there. Asked in batches; positive answers are remembered a
    /// short while. It does not ask this hub, which knows its own.
    pub fn locate(&self, client: ClientId) -> BoxFuture<'static, Whereabouts> {
        self.locator.locate(client)
    }

    /// Whether the client was located a moment ago: no question is asked.
    pub fn recently_located(&self, client: &ClientId) -> bool {
        self.locator.remembers(client)
    }

    /// Tells all hubs, by etcd, that something is revoked for so many seconds.
    ///
    /// # Errors
    /// [`ClusterError::Etcd`]; then it may count or not.
    pub async fn revoke(&self, revocation: &Revocation, seconds: u64) -> Result<(), ClusterError> {
        self.revocations.put(revocation, seconds).await.map_err(|fault| ClusterError::Etcd(fault.to_string()))
    }

    /// Takes it back on all hubs. `false`: etcd knew of none.
    ///
    /// # Errors
    /// [`ClusterError::Etcd`]; then it may count still.
    pub async fn restore(&self, subject: &Subject) -> Result<bool, ClusterError> {
        self.revocations.delete(subject).await.map_err(|fault| ClusterError::Etcd(fault.to_string()))
    }

    /// Stops to answer and to follow the registry.
    pub async fn close(&self) {
        drop(self.tasks.stop(DEADLINE).await);
    }

    /// This hub's own answer, when it is asked at all.
    async fn here<T>(&self, scope: &Scope, answer: BoxFuture<'_, T>) -> Option<T> {
        match scope {
            Scope::Node(node) if *node != self.node => None,
            Scope::Node(_) | Scope::Cluster => Some(answer.await),
        }
    }
}

/// Splits answers from those who did not give one.
async fn gather<T>(
    asked: impl IntoIterator<Item = (String, BoxFuture<'static, Result<T, String>>)>,
) -> (Vec<T>, Vec<Missing>) {
    let (nodes, questions): (Vec<_>, Vec<_>) = asked.into_iter().unzip();
    let (mut answers, mut missing) = (Vec::new(), Vec::new());
    for (node, answer) in nodes.into_iter().zip(join_all(questions).await) {
        match answer {
            Ok(answer) => answers.push(answer),
            Err(error) => missing.push(Missing { node, error }),
        }
    }
    (answers, missing)
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Cluster")
            .field("node", &self.node)
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for ClusterParts {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("ClusterParts").field("node", &self.node).finish_non_exhaustive()
    }
}
