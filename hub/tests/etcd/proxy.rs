//! A TCP proxy that is as slow as a test says, and can cut its connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

/// Stands between a hub and one etcd member.
pub(crate) struct Proxy {
    address: String,
    delay: Arc<AtomicU64>,
    /// Counts the cuts; `u64::MAX` once it is gone.
    cuts: watch::Sender<u64>,
}

impl Proxy {
    /// Forwards to `url` (`http://host:port`) without delay.
    pub(crate) async fn start(url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let target = url.trim_start_matches("http://").to_owned();
        let delay = Arc::new(AtomicU64::new(0));
        let cuts = watch::Sender::new(0);
        let (shared, mut cut) = (Arc::clone(&delay), cuts.subscribe());
        tokio::spawn(async move {
            loop {
                let accepted = tokio::select! {
                    accepted = listener.accept() => accepted,
                    gone = cut.wait_for(|cuts| *cuts == u64::MAX) => { drop(gone); return }
                };
                let (Ok((near, _)), Ok(far)) = (accepted, TcpStream::connect(&target).await) else { continue };
                let (near_read, near_write) = near.into_split();
                let (far_read, far_write) = far.into_split();
                tokio::spawn(forward(near_read, far_write, Arc::clone(&shared), cut.clone()));
                tokio::spawn(forward(far_read, near_write, Arc::clone(&shared), cut.clone()));
            }
        });
        Self { address, delay, cuts }
    }

    /// The URL to use instead of the member's.
    pub(crate) fn url(&self) -> String {
        self.address.clone()
    }

    /// From now on every byte arrives this much later, in both directions.
    pub(crate) fn delay(&self, delay: Duration) {
        self.delay.store(delay.as_millis() as u64, Ordering::Relaxed);
    }

    /// Ends every connection there is.
    pub(crate) fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.cuts.send_replace(u64::MAX);
    }
}

async fn forward(
    mut from: impl AsyncReadExt + Unpin + Send + 'static,
    mut to: impl AsyncWriteExt + Unpin + Send + 'static,
    delay: Arc<AtomicU64>,
    mut cut: watch::Receiver<u64>,
) {
    cut.mark_unchanged();
    let mut reader_cut = cut.clone();
    let (sender, mut receiver) = mpsc::channel::<(Instant, Vec<u8>)>(1024);
    tokio::spawn(async move {
        let mut buffer = vec![0; 64 << 10];
        loop {
            let read = tokio::select! {
                read = from.read(&mut buffer) => read.unwrap_or(0),
                _ = reader_cut.changed() => 0,
            };
            let at = Instant::now() + Duration::from_millis(delay.load(Ordering::Relaxed));
            if read == 0 || sender.send((at, buffer[..read].to_vec())).await.is_err() {
                return;
            }
        }
    });
    loop {
        let next = tokio::select! {
            next = receiver.recv() => next,
            _ = cut.changed() => None,
        };
        let Some((at, bytes)) = next else { return };
        sleep_until(at).await;
        if to.write_all(&bytes).await.is_err() {
            return;
        }
    }
}
