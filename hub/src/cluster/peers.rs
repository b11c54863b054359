//! The other hubs as they are asked: one lazy connection each, one deadline for all, answers as far as they come.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;
use tokio::time::timeout;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Response, Status};

use super::answers::{ClientQuery, Imposition};
use super::key::PeerKey;
use super::registry::Registry;
use super::wire::questions_client::QuestionsClient;
use super::{DEADLINE, gather, wire};
use crate::blackbox::Life;
use crate::inventory::{ClientInfo, Listing, Missing, NodeInfo, Page, RefusedInfo, RoomInfo, Scope};
use crate::protocol::{ClientId, RoomName};
use crate::shard::{Placement, Whom};

/// A page of rooms or members of a large hub is larger than gRPC's default of 4 MiB.
pub(super) const MAX_ANSWER: usize = 64 << 20;

pub(super) struct Peers {
    /// This hub, which is not asked over the network.
    own: String,
    registry: Registry,
    key: PeerKey,
    /// By address. A std mutex, held for a look-up.
    channels: Mutex<HashMap<String, Channel>>,
}

/// One hub that can be asked.
pub(super) struct Peer {
    node: String,
    channel: Result<Channel, String>,
    key: PeerKey,
}

type Answer<T> = BoxFuture<'static, Result<T, String>>;

impl Peers {
    pub(super) fn new(own: String, registry: Registry, key: PeerKey) -> Self {
        Self { own, registry, key, channels: Mutex::default() }
    }

    pub(super) fn registry(&self) -> &Registry {
        &self.registry
    }

    pub(super) fn exist(&self) -> bool {
        self.registry.nodes().keys().any(|node| *node != self.own)
    }

    /// Asks every hub in `scope` but this one.
    pub(super) async fn ask<T: Send>(
        &self,
        scope: &Scope,
        question: impl Fn(Peer) -> Answer<T>,
    ) -> (Vec<T>, Vec<Missing>) {
        let mut asked: Vec<(String, Answer<T>)> =
            self.meant(scope).into_iter().map(|peer| (peer.node.clone(), question(peer))).collect();
        if let Scope::Node(node) = scope
            && asked.is_empty()
            && *node != self.own
        {
            let error = "there is no such hub".to_owned();
            asked.push((node.clone(), Box::pin(async { Err(error) })));
        }
        gather(asked).await
    }

    fn meant(&self, scope: &Scope) -> Vec<Peer> {
        let nodes = self.registry.nodes();
        let is_meant = |node: &str| match scope {
            Scope::Cluster => node != self.own,
            Scope::Node(wanted) => node != self.own && node == wanted,
        };
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        channels.retain(|address, _| nodes.values().any(|info| info.address == *address));
        let peers = nodes.iter().filter(|(node, _)| is_meant(node)).map(|(node, info)| {
            let channel = match channels.get(&info.address) {
                Some(channel) => Ok(channel.clone()),
                None => connect(&info.address).inspect(|channel| {
                    channels.insert(info.address.clone(), channel.clone());
                }),
            };
            Peer { node: node.clone(), channel, key: self.key.clone() }
        });
        peers.collect()
    }
}

/// The first question connects, and so does the first one after a break.
fn connect(address: &str) -> Result<Channel, String> {
    let endpoint =
        Endpoint::from_shared(format!("http://{address}")).map_err(|_| format!("its address is {address:?}"))?;
    Ok(endpoint
        .connect_timeout(DEADLINE)
        .http2_keep_alive_interval(DEADLINE * 5)
        .keep_alive_timeout(DEADLINE)
        .connect_lazy())
}

impl Peer {
    pub(super) fn rooms(self, page: Page) -> Answer<Listing<RoomInfo>> {
        Box::pin(async move {
            let question = self.signed(wire::RoomsRequest { page: Some(page.into()) });
            let answer = in_time(self.client()?.rooms(question)).await?;
            let node = self.node;
            let items = answer.rooms.into_iter().map(|room| RoomInfo {
                room: room.name,
                members: room.members,
                nodes: vec![node.clone()],
            });
            Ok(Listing { items: items.collect(), next: answer.next, missing: Vec::new() })
        })
    }

    pub(super) fn clients(self, query: ClientQuery, page: Page) -> Answer<Listing<ClientInfo>> {
        Box::pin(async move {
            let question = self.signed(wire::ClientsRequest {
                page: Some(page.into()),
                client: query.client.map(|client| client.to_string()),
                room: query.room.map(|room| room.to_string()),
            });
            let answer = in_time(self.client()?.clients(question)).await?;
            let node = self.node;
            let items = answer.connections.into_iter().map(|connection| ClientInfo {
                client_id: connection.client,
                node: node.clone(),
                connection: connection.connection,
                address: connection.address,
                connected_at: connection.connected_at,
                rooms: connection.rooms,
            });
            Ok(Listing { items: items.collect(), next: answer.next, missing: Vec::new() })
        })
    }

    pub(super) fn kick(self, client: ClientId, connection: Option<u64>) -> Answer<u64> {
        Box::pin(async move {
            let question = self.signed(wire::KickRequest { client: client.to_string(), connection });
            Ok(in_time(self.client()?.kick(question)).await?.connections)
        })
    }

    pub(super) fn place(self, whom: Whom, room: RoomName, placement: Placement) -> Answer<(u64, Vec<RefusedInfo>)> {
        Box::pin(async move {
            let question = self.signed(wire::PlaceRequest {
                client: whom.client.to_string(),
                connection: whom.connection,
                room: room.to_string(),
                leave: placement == Placement::Out,
            });
            let answer = in_time(self.client()?.place(question)).await?;
            let node = self.node;
            let refused = answer.refused.into_iter().map(|refused| RefusedInfo {
                node: node.clone(),
                connection: refused.connection,
                code: refused.code,
                message: refused.message,
            });
            Ok((answer.connections, refused.collect()))
        })
    }

    pub(super) fn impose(self, whom: Whom, imposition: Imposition) -> Answer<u64> {
        Box::pin(async move {
            let grant = imposition.capabilities.as_ref().map(serde_json::to_string).transpose();
            let question = self.signed(wire::ImposeRequest {
                client: whom.client.to_string(),
                connection: whom.connection,
                within_ms: imposition.within.map(|within| within.as_millis() as u64),
                capabilities: grant.map_err(|error| error.to_string())?,
            });
            Ok(in_time(self.client()?.impose(question)).await?.connections)
        })
    }

    pub(super) fn why(self, whom: Whom, limit: usize) -> Answer<Vec<Life>> {
        Box::pin(async move {
            let (client, connection) = (whom.client.to_string(), whom.connection);
            let question = self.signed(wire::WhyRequest { client, connection, limit: limit as u32 });
            let lives = in_time(self.client()?.why(question)).await?.lives;
            let read = lives.iter().map(|life| serde_json::from_str(life));
            read.collect::<Result<_, _>>().map_err(|error| format!("it answered something else: {error}"))
        })
    }

    pub(super) fn stats(self) -> Answer<NodeInfo> {
        Box::pin(async move {
            let question = self.signed(wire::StatsRequest {});
            let answer = in_time(self.client()?.stats(question)).await?;
            Ok(NodeInfo {
                node: self.node,
                address: answer.address,
                version: answer.version,
                phase: answer.phase,
                connections: answer.connections,
                config_hash: answer.config_hash,
                config_error: answer.config_error,
                started_at: answer.started_at,
            })
        })
    }

    pub(super) fn members(self, room: RoomName) -> Answer<Vec<ClientId>> {
        Box::pin(async move {
            let question = self.signed(wire::MembersRequest { room: room.to_string() });
            let answer = in_time(self.client()?.members(question)).await?;
            // A newer hub may allow names that this one does not know how to show.
            Ok(answer.clients.iter().filter_map(|client| ClientId::parse(client).ok()).collect())
        })
    }

    pub(super) fn locate(self, clients: Arc<[ClientId]>) -> Answer<Vec<bool>> {
        Box::pin(async move {
            let clients: Vec<String> = clients.iter().map(ToString::to_string).collect();
            let count = clients.len();
            let question = self.signed(wire::LocateRequest { clients });
            let known = in_time(self.client()?.locate(question)).await?.known;
            if known.len() == count { Ok(known) } else { Err("it answered something else".to_owned()) }
        })
    }

    fn client(&self) -> Result<QuestionsClient<Channel>, String> {
        Ok(QuestionsClient::new(self.channel.clone()?).max_decoding_message_size(MAX_ANSWER))
    }

    fn signed<Q>(&self, question: Q) -> Request<Q> {
        let mut request = Request::new(question);
        request.set_timeout(DEADLINE);
        self.key.sign(&mut request);
        request
    }
}

/// One deadline for every question; what went wrong in words without addresses or secrets.
async fn in_time<A>(call: impl Future<Output = Result<Response<A>, Status>>) -> Result<A, String> {
    match timeout(DEADLINE, call).await {
        Ok(Ok(answer)) => Ok(answer.into_inner()),
        Ok(Err(status)) if status.code() == Code::Unavailable => Err("it cannot be reached".to_owned()),
        Ok(Err(status)) => Err(status.message().to_owned()),
        Err(_) => Err(format!("no answer within {DEADLINE:?}")),
    }
}

impl From<Page> for wire::Page {
    fn from(page: Page) -> Self {
        Self { limit: page.limit as u32, after: page.after }
    }
}
