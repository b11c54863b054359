//! A gate before the API server that counts writes and closes behind one of them: whoever works through it can be killed right there.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::{Method, Request, Response, StatusCode, Version};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use kube::Client;
use kube::client::Body;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::namespace::Bed;

/// A gate on a port of this machine, as long as this lives.
#[derive(Debug)]
pub struct Gate {
    /// Where it is.
    pub addr: SocketAddr,
    done: watch::Receiver<Vec<String>>,
    _serving: JoinSet<()>,
}

struct Passage {
    client: Client,
    begun: AtomicUsize,
    limit: usize,
    done: watch::Sender<Vec<String>>,
}

impl Bed {
    /// Opens a gate that lets `limit` writes through, and answers neither the last of them nor anything after it.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn gate(&self, limit: usize) -> Gate {
        let client = self.firm.clone();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let addr = listener.local_addr().expect("an address");
        let (sender, done) = watch::channel(Vec::new());
        let passage = Arc::new(Passage { client, begun: AtomicUsize::new(0), limit, done: sender });
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            // A set of its own, so that connections end with the gate.
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let passage = Arc::clone(&passage);
                connections.spawn(async move {
                    let service = service_fn(|request| Arc::clone(&passage).pass(request));
                    drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
                });
            }
        });
        Gate { addr, done, _serving: serving }
    }
}

impl Gate {
    /// Waits until the writes so far are as they should be, and returns them, each as method and path.
    pub async fn until(&self, enough: impl Fn(&[String]) -> bool) -> Vec<String> {
        let mut done = self.done.clone();
        let found = done.wait_for(|writes| enough(writes)).await.expect("the gate is open");
        found.clone()
    }

    /// The writes so far.
    #[must_use]
    pub fn writes(&self) -> Vec<String> {
        self.done.borrow().clone()
    }
}

impl Passage {
    async fn pass(self: Arc<Self>, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
        let write = is_write(&request).then(|| format!("{} {}", request.method(), request.uri().path()));
        let place = write.is_some().then(|| self.begun.fetch_add(1, Ordering::Relaxed));
        if place.unwrap_or_else(|| self.begun.load(Ordering::Relaxed)) >= self.limit {
            return std::future::pending().await;
        }
        let response = self.forward(request).await;
        if let Some(write) = write {
            self.done.send_modify(|done| done.push(write));
        }
        if place.is_some_and(|place| place + 1 == self.limit) {
            return std::future::pending().await;
        }
        Ok(response)
    }

    async fn forward(&self, request: Request<Incoming>) -> Response<Body> {
        let (mut head, body) = request.into_parts();
        for header in [HOST, CONNECTION, TRANSFER_ENCODING, CONTENT_LENGTH] {
            head.headers.remove(header);
        }
        head.version = Version::HTTP_11;
        let answer = match body.collect().await {
            Ok(body) => self.client.send(Request::from_parts(head, Body::from(body.to_bytes().to_vec()))).await,
            Err(error) => Err(kube::Error::Service(Box::new(error))),
        };
        let mut response = answer.unwrap_or_else(|error| {
            let mut response = Response::new(Body::from(error.to_string().into_bytes()));
            *response.status_mut() = StatusCode::BAD_GATEWAY;
            response
        });
        *response.version_mut() = Version::HTTP_11;
        for header in [CONNECTION, TRANSFER_ENCODING] {
            response.headers_mut().remove(header);
        }
        response
    }
}

/// Questions about rights are posted, too, and leave nothing behind.
fn is_write<B>(request: &Request<B>) -> bool {
    request.method() != Method::GET && !request.uri().path().starts_with("/apis/authorization.k8s.io/")
}
