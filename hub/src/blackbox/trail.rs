//! What a connection leaves behind while it lives: a few events, counters, and how it ended. Belongs to its shard; no lock, no clock of its own.

use std::borrow::Cow;
use std::collections::VecDeque;

use crate::protocol::{ErrorCode, GapReason, Offset, RoomName};

/// Who caused something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum By {
    /// The client.
    #[default]
    Client,
    /// The back end, over the API.
    BackEnd,
    /// What the connection may do has changed.
    Rights,
    /// The hub.
    Hub,
    /// Nobody said anything: the stream was gone.
    Network,
}

impl By {
    /// The word in answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::BackEnd => "back_end",
            Self::Rights => "rights",
            Self::Hub => "hub",
            Self::Network => "network",
        }
    }
}

/// Something happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// It entered a room.
    Joined(RoomName, By),
    /// It left one.
    Left(RoomName, By),
    /// It published.
    Published,
    /// A request was refused, or a publication failed.
    Refused(ErrorCode),
    /// It has reached this limit and is not read from for a while.
    Limited(&'static str),
    /// The kernel took no more for it; the most bytes that waited.
    Blocked(u64),
    /// It did not get some messages and was told.
    Gap(Box<Missed>),
    /// The epoch changed under it; whether nothing was lost.
    Epoch(bool),
    /// It was told that its token ends in so many milliseconds.
    TokenEnds(u64),
    /// It brought a new token.
    Refreshed,
    /// The back end has changed what it may do.
    Imposed,
    /// It was told that the hub goes, and in how many milliseconds it is closed.
    Drain(u64),
}

/// What a gap said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missed {
    /// The first offset.
    pub from: Offset,
    /// The last.
    pub to: Offset,
    /// How many, when known.
    pub count: Option<u64>,
    /// Why.
    pub reason: GapReason,
}

impl What {
    /// Whether `next` is the same again, and may stand as one more of it.
    fn absorbs(&mut self, next: &Self) -> bool {
        match (self, next) {
            (Self::Published, Self::Published) => true,
            (Self::Refused(code), Self::Refused(next)) => code == next,
            (Self::Limited(limit), Self::Limited(next)) => limit == next,
            (Self::Blocked(bytes), Self::Blocked(next)) => {
                *bytes = (*bytes).max(*next);
                true
            }
            _ => false,
        }
    }
}

/// An event, or the same one several times in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Event {
    /// Milliseconds of the shard's clock.
    pub(super) at: u32,
    pub(super) until: u32,
    pub(super) times: u32,
    pub(super) what: What,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// Who ended it.
    pub by: By,
    /// The close code.
    pub code: u16,
    /// Why, in the hub's words.
    pub reason: Cow<'static, str>,
    /// Bytes made for it alone that had not been sent.
    pub unsent: u64,
    /// Bytes of the log, for whomever they were, that it had not passed.
    pub behind: u64,
}

/// See the module.
#[derive(Debug, Clone, Default)]
pub struct Trail {
    pub(super) events: VecDeque<Event>,
    /// Events that were let go for newer ones.
    pub(super) dropped: u32,
    pub(super) published: u64,
    pub(super) refused: u64,
    pub(super) delivered: u64,
    pub(super) bytes: u64,
    /// Whether it could go on where it was; `None` when it did not ask for that.
    pub(super) recovered: Option<bool>,
    pub(super) stop: Option<Box<Stop>>,
}

impl Trail {
    /// Notes an event at `at` milliseconds of the shard's clock; of many the newest `max` are kept.
    pub fn note(&mut self, max: usize, at: u32, what: What) {
        match what {
            What::Published => self.published += 1,
            What::Refused(_) => self.refused += 1,
            _ => {}
        }
        if max == 0 {
            return;
        }
        if let Some(last) = self.events.back_mut()
            && last.what.absorbs(&what)
        {
            last.times = last.times.saturating_add(1);
            last.until = at;
            return;
        }
        while self.events.len() >= max {
            self.events.pop_front();
            self.dropped = self.dropped.saturating_add(1);
        }
        self.events.push_back(Event { at, until: at, times: 1, what });
    }

    /// A write took so many messages of the log and bytes.
    pub fn sent(&mut self, messages: u64, bytes: u64) {
        self.delivered += messages;
        self.bytes += bytes;
    }

    /// Whether it could go on where it was.
    pub fn resumed(&mut self, recovered: bool) {
        self.recovered = Some(recovered);
    }

    /// Notes how it ends; the first word counts.
    pub fn stops(&mut self, stop: impl FnOnce() -> Stop) {
        if self.stop.is_none() {
            self.stop = Some(Box::new(stop()));
        }
    }

    /// Memory that it holds beside itself, in bytes.
    pub(super) fn weight(&self) -> usize {
        let stop = self.stop.as_ref().map_or(0, |stop| size_of::<Stop>() + stop.reason.len());
        let named: usize = self
            .events
            .iter()
            .map(|event| match &event.what {
                What::Joined(room, _) | What::Left(room, _) => room.as_str().len(),
                What::Gap(_) => size_of::<Missed>(),
                _ => 0,
            })
            .sum();
        self.events.capacity() * size_of::<Event>() + stop + named
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_repeats_is_one_event_and_the_oldest_goes_first() {
        let mut trail = Trail::default();
        for at in 0..1000 {
            trail.note(3, at, What::Published);
        }
        trail.note(3, 1000, What::Refused(ErrorCode::Forbidden));
        trail.note(3, 1001, What::Blocked(7));
        trail.note(3, 1002, What::Blocked(5));
        assert_eq!((trail.events.len(), trail.published, trail.dropped), (3, 1000, 0));
        assert_eq!((trail.events[0].times, trail.events[0].until), (1000, 999));
        assert_eq!((&trail.events[2].what, trail.events[2].times), (&What::Blocked(7), 2));
        trail.note(3, 1003, What::Published);
        assert_eq!((trail.events.len(), trail.dropped), (3, 1));
        assert_eq!(trail.events[0].what, What::Refused(ErrorCode::Forbidden));
    }

    #[test]
    fn switched_off_it_only_counts() {
        let mut trail = Trail::default();
        trail.note(0, 1, What::Published);
        trail.note(0, 2, What::Refused(ErrorCode::TooLarge));
        assert_eq!((trail.events.len(), trail.published, trail.refused, trail.weight()), (0, 1, 1, 0));
    }

    #[test]
    fn the_first_word_about_the_end_counts() {
        let stop = |by| move || Stop { by, code: 1006, reason: "gone".into(), unsent: 0, behind: 0 };
        let mut trail = Trail::default();
        trail.stops(stop(By::Hub));
        trail.stops(stop(By::Network));
        assert_eq!(trail.stop.map(|stop| stop.by), Some(By::Hub));
    }
}
