//! One connection's receiving side: the guard and, while a message is half received, a library object from the shard's pool.

use std::ops::ControlFlow;

#[cfg(feature = "fastwebsockets")]
use super::fastwebsockets::FastWebSockets;
use super::guard::{FrameLimits, Guard};
use super::tungstenite::Tungstenite;
use super::{Event, Fault, WsConn};

/// Which library reads frames. The default is the build's choice: see ADR 10.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Library {
    /// tokio-tungstenite's core.
    #[cfg_attr(not(feature = "fastwebsockets"), default)]
    Tungstenite,
    /// fastwebsockets: the default of a build with the feature of its name.
    #[cfg(feature = "fastwebsockets")]
    #[default]
    FastWebSockets,
}

impl Library {
    /// All that this build has.
    pub const ALL: &[Self] = &[
        Self::Tungstenite,
        #[cfg(feature = "fastwebsockets")]
        Self::FastWebSockets,
    ];
}

/// Hands out library objects and takes clean ones back: one per shard is enough for all connections that send whole messages.
pub struct Pool {
    library: Library,
    limits: FrameLimits,
    spare: Option<Box<Partial>>,
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").field("library", &self.library).field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Pool {
    /// A pool of `library` objects with these limits.
    pub fn new(library: Library, limits: FrameLimits) -> Self {
        Self { library, limits, spare: None }
    }

    /// New limits, for messages that begin after this.
    pub fn set_limits(&mut self, limits: FrameLimits) {
        if self.limits != limits {
            self.limits = limits;
            self.spare = None;
        }
    }

    /// Takes the pool out of its owner for the time of one `receive`, whose callback needs the owner.
    pub fn lend(&mut self) -> Self {
        Self { library: self.library, limits: self.limits, spare: self.spare.take() }
    }

    /// Puts it back.
    pub fn take_back(&mut self, lent: Self) {
        if lent.limits == self.limits {
            self.spare = lent.spare;
        }
    }

    fn take(&mut self) -> Box<Partial> {
        self.spare.take().unwrap_or_else(|| {
            let conn: Box<dyn WsConn> = match self.library {
                Library::Tungstenite => Box::new(Tungstenite::new(self.limits)),
                #[cfg(feature = "fastwebsockets")]
                Library::FastWebSockets => Box::new(FastWebSockets::new(self.limits)),
            };
            Box::new(Partial { guard: Guard::default(), conn, received: 0, fresh: true })
        })
    }
}

/// What is kept of a message that is not complete yet.
struct Partial {
    guard: Guard,
    conn: Box<dyn WsConn>,
    /// It was large: its object grew and is dropped afterwards instead of going back to the pool.
    received: usize,
    /// It began in what was received last.
    fresh: bool,
}

/// The receiving side of one connection. Between messages it is one null pointer.
#[derive(Default)]
pub struct Inbound(Option<Box<Partial>>);

impl std::fmt::Debug for Inbound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inbound").field("is_partial", &self.is_partial()).finish()
    }
}

/// Objects that held more than this are not kept.
const KEEP: usize = 64 << 10;

impl Inbound {
    /// Takes the next bytes of the stream; `on` gets every complete event. `Break` when `on` broke off.
    pub fn receive(
        &mut self,
        pool: &mut Pool,
        bytes: &[u8],
        on: &mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, Fault> {
        let mut partial = self.0.take().unwrap_or_else(|| pool.take());
        let scanned = partial.guard.scan(bytes, pool.limits);
        let flow = partial.conn.receive(&bytes[..scanned.valid], on)?;
        if flow.is_break() {
            return Ok(flow);
        }
        if let Some(fault) = scanned.fault {
            return Err(fault);
        }
        if !partial.guard.is_between_messages() {
            partial.received += bytes.len();
            partial.fresh = scanned.fresh;
            self.0 = Some(partial);
        } else if partial.received <= KEEP {
            partial.received = 0;
            pool.spare = Some(partial);
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Whether a message is half received that began in the bytes received last.
    pub fn has_begun(&self) -> bool {
        self.0.as_ref().is_some_and(|partial| partial.fresh)
    }

    /// Whether a message is half received.
    pub fn is_partial(&self) -> bool {
        self.0.is_some()
    }
}
