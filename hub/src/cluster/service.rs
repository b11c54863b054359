//! This hub's side of the questions.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

use super::answers::{ClientQuery, Imposition, LocalAnswers};
use super::key::PeerKey;
use super::peers::MAX_ANSWER;
use super::wire::questions_server::{Questions, QuestionsServer};
use super::{ClusterError, DEADLINE, wire};
use crate::inventory::{MAX_PAGE, Page};
use crate::lifecycle::Tasks;
use crate::protocol::{ClientId, RoomName};
use crate::shard::{Placement, Whom};

/// Questions that one other hub may have open here: more wait in its connection.
const MAX_OPEN: usize = 64;

struct Service {
    local: Arc<dyn LocalAnswers>,
    key: PeerKey,
}

/// Listens and answers until the group stops.
pub(super) async fn listen(
    address: SocketAddr,
    local: Arc<dyn LocalAnswers>,
    key: PeerKey,
    tasks: &Tasks,
) -> Result<SocketAddr, ClusterError> {
    let failed = |error| ClusterError::Listen { address, error };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    let service = QuestionsServer::new(Service { local, key }).max_encoding_message_size(MAX_ANSWER);
    let server = Server::builder()
        .timeout(DEADLINE)
        .concurrency_limit_per_connection(MAX_OPEN)
        .http2_keepalive_interval(Some(DEADLINE * 5))
        .add_service(service);
    let stop = tasks.token();
    drop(tasks.spawn("cluster questions", async move {
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        if let Err(error) = server.serve_with_incoming_shutdown(incoming, stop.cancelled()).await {
            tracing::error!(%error, "answering other hubs failed");
        }
    }));
    tracing::info!(address = %bound, "answering other hubs");
    Ok(bound)
}

#[tonic::async_trait]
impl Questions for Service {
    async fn rooms(&self, request: Request<wire::RoomsRequest>) -> Result<Response<wire::RoomsAnswer>, Status> {
        let question = self.open(request)?;
        let listing = self.local.rooms(page(question.page)).await;
        let rooms = listing.items.into_iter().map(|room| wire::Room { name: room.room, members: room.members });
        Ok(Response::new(wire::RoomsAnswer { rooms: rooms.collect(), next: listing.next }))
    }

    async fn clients(&self, request: Request<wire::ClientsRequest>) -> Result<Response<wire::ClientsAnswer>, Status> {
        let question = self.open(request)?;
        let query = ClientQuery {
            client: question.client.as_deref().map(client).transpose()?,
            room: question.room.as_deref().map(room).transpose()?,
        };
        let listing = self.local.clients(query, page(question.page)).await;
        let connections = listing.items.into_iter().map(|info| wire::Connection {
            client: info.client_id,
            connection: info.connection,
            address: info.address,
            connected_at: info.connected_at,
            rooms: info.rooms,
        });
        Ok(Response::new(wire::ClientsAnswer { connections: connections.collect(), next: listing.next }))
    }

    async fn kick(&self, request: Request<wire::KickRequest>) -> Result<Response<wire::KickAnswer>, Status> {
        let question = self.open(request)?;
        let connections = self.local.kick(client(&question.client)?, question.connection).await;
        Ok(Response::new(wire::KickAnswer { connections }))
    }

    async fn place(&self, request: Request<wire::PlaceRequest>) -> Result<Response<wire::PlaceAnswer>, Status> {
        let question = self.open(request)?;
        let whom = whom(&question.client, question.connection)?;
        let placement = if question.leave { Placement::Out } else { Placement::In };
        let (connections, refused) = self.local.place(whom, room(&question.room)?, placement).await;
        let refused = refused.into_iter().map(|refused| wire::Refused {
            connection: refused.connection,
            code: refused.code,
            message: refused.message,
        });
        Ok(Response::new(wire::PlaceAnswer { connections, refused: refused.collect() }))
    }

    async fn impose(&self, request: Request<wire::ImposeRequest>) -> Result<Response<wire::ImposeAnswer>, Status> {
        let question = self.open(request)?;
        let whom = whom(&question.client, question.connection)?;
        let capabilities = question.capabilities.as_deref().map(serde_json::from_str).transpose();
        // What this hub cannot understand it must not grant.
        let capabilities = capabilities.map_err(|error| Status::invalid_argument(format!("capabilities: {error}")))?;
        let imposition = Imposition { within: question.within_ms.map(Duration::from_millis), capabilities };
        let connections = self.local.impose(whom, imposition).await;
        Ok(Response::new(wire::ImposeAnswer { connections }))
    }

    async fn why(&self, request: Request<wire::WhyRequest>) -> Result<Response<wire::WhyAnswer>, Status> {
        let question = self.open(request)?;
        let whom = whom(&question.client, question.connection)?;
        let lives = self.local.why(whom, (question.limit as usize).clamp(1, MAX_PAGE)).await;
        let lives = lives.iter().map(serde_json::to_string).collect::<Result<_, _>>();
        Ok(Response::new(wire::WhyAnswer { lives: lives.map_err(|error| Status::internal(error.to_string()))? }))
    }

    async fn stats(&self, request: Request<wire::StatsRequest>) -> Result<Response<wire::StatsAnswer>, Status> {
        self.open(request)?;
        let info = self.local.stats().await;
        Ok(Response::new(wire::StatsAnswer {
            version: info.version,
            phase: info.phase,
            connections: info.connections,
            config_hash: info.config_hash,
            config_error: info.config_error,
            started_at: info.started_at,
            address: info.address,
        }))
    }

    async fn members(&self, request: Request<wire::MembersRequest>) -> Result<Response<wire::MembersAnswer>, Status> {
        let question = self.open(request)?;
        let members = self.local.members(room(&question.room)?).await;
        Ok(Response::new(wire::MembersAnswer { clients: members.iter().map(ToString::to_string).collect() }))
    }

    async fn locate(&self, request: Request<wire::LocateRequest>) -> Result<Response<wire::LocateAnswer>, Status> {
        let question = self.open(request)?;
        let clients = question.clients.iter().map(|name| client(name)).collect::<Result<_, _>>()?;
        Ok(Response::new(wire::LocateAnswer { known: self.local.locate(clients).await }))
    }
}

impl Service {
    /// The question, if the key was shown.
    fn open<Q>(&self, request: Request<Q>) -> Result<Q, Status> {
        self.key.check(request.metadata()).inspect_err(|_| {
            tracing::warn!(peer = ?request.remote_addr(), "a question came with a wrong peer key");
        })?;
        Ok(request.into_inner())
    }
}

fn page(page: Option<wire::Page>) -> Page {
    let page = page.unwrap_or_default();
    Page { limit: (page.limit as usize).clamp(1, MAX_PAGE), after: page.after }
}

fn client(name: &str) -> Result<ClientId, Status> {
    ClientId::parse(name).map_err(|error| Status::invalid_argument(format!("client {error}")))
}

fn whom(name: &str, connection: Option<u64>) -> Result<Whom, Status> {
    Ok(Whom { client: client(name)?, connection })
}

fn room(name: &str) -> Result<RoomName, Status> {
    RoomName::parse(name).map_err(|error| Status::invalid_argument(format!("room {error}")))
}
