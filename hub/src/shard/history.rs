//! A page of a room's history, from the same log that delivers: for a client in its own form, for the back end as JSON.

use super::inbox::HistoryPage;
use super::session::Page;
use super::turn::Core;
use crate::log::Located;
use crate::protocol::{Format, RoomName, Target};

impl Core {
    /// A page of what was said in a room, as JSON.
    pub(super) fn history_page(&mut self, room: &RoomName, page: Page) -> HistoryPage {
        self.pull();
        let (messages, complete) = self.page_of(Format::Json, room, page);
        let messages = messages.into_iter().map(<[u8]>::to_vec).collect();
        let tip = self.view.tip();
        HistoryPage { epoch: tip.epoch.clone(), offset: tip.newest, messages, complete }
    }

    /// A page of a room's history. At most `max_history` messages and what fits the out buffer; `true` when nothing that was asked for is missing.
    pub(super) fn page_of(&self, format: Format, room: &RoomName, page: Page) -> (Vec<&[u8]>, bool) {
        let max = self.config.max_history;
        let (mut positions, mut complete) = (Vec::new(), true);
        if let Some(stream) = self.view.find(&Target::Room(room.clone())) {
            match page {
                Page::Last(n) => {
                    positions.extend(self.view.positions_from(stream, 0).rev().take(n.min(max)));
                    positions.reverse();
                    let from = if positions.len() == n { positions.first().copied() } else { Some(0) };
                    let has_hole = from.is_some_and(|from| self.view.tip().holes.since(from).is_some());
                    complete = !has_hole && (positions.len() == n || n <= max && self.view.first() == 0);
                }
                Page::Since(offset, n) => {
                    let epoch = &self.view.tip().epoch;
                    let located = self.log.locate(epoch.as_str(), offset);
                    let from = match located {
                        Located::At(position) => position,
                        Located::Lost => 0,
                        // What comes after an offset that is not here yet is not here either.
                        Located::Ahead => self.view.head(),
                    };
                    let all = self.view.positions_from(stream, from);
                    let has_hole = self.view.tip().holes.since(from).is_some();
                    complete = matches!(located, Located::At(_)) && !has_hole && all.len() <= n.min(max);
                    positions.extend(all.take(n.min(max)));
                }
            }
        }
        let mut bytes = 0;
        let mut messages: Vec<&[u8]> = Vec::with_capacity(positions.len());
        for payload in positions.iter().filter_map(|position| self.view.payload(format, *position)) {
            bytes += payload.len();
            if bytes > self.config.out_buffer.max(1 << 16) * 4 {
                complete = false;
                break;
            }
            messages.push(payload);
        }
        (messages, complete)
    }
}
