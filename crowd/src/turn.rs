//! Which hub a client tries: another of a list after each connection that ended or did not come about.

use super::target::Target;

/// The hubs of one client, from its own first one on.
#[derive(Clone, Debug)]
pub(super) struct Turn {
    targets: Vec<Target>,
    at: usize,
}

impl Turn {
    /// Starts at `first`, counted around the list.
    pub(super) fn new(targets: &[Target], first: usize) -> Self {
        Self { targets: targets.to_vec(), at: first }
    }

    /// Whose turn it is; `None` when the list is empty.
    pub(super) fn target(&self) -> Option<&Target> {
        self.targets.get(self.at % self.targets.len().max(1))
    }

    /// Another one's turn, any other's: all clients of one hub are not to meet again on the next. A single Service, which chooses
    /// itself, stays.
    pub(super) fn pass(&mut self) {
        self.at = self.at.wrapping_add(fastrand::usize(1..self.targets.len().max(2)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_has_two_turns_in_a_row_and_everybody_has_one_and_one_alone_has_all() {
        let targets: Vec<Target> = ["ws://a", "ws://b", "ws://c"].map(|url| url.parse().unwrap()).to_vec();
        let mut turn = Turn::new(&targets, 4);
        let mut seen = Vec::new();
        for _ in 0..100 {
            seen.push(turn.target().unwrap().host.clone());
            turn.pass();
        }
        assert_eq!(seen[0], "b");
        assert!(seen.windows(2).all(|pair| pair[0] != pair[1]), "{seen:?}");
        assert!(["a", "b", "c"].iter().all(|host| seen.iter().any(|seen| seen == host)), "{seen:?}");
        let mut alone = Turn::new(&targets[..1], 7);
        alone.pass();
        assert_eq!(alone.target(), Some(&targets[0]));
    }
}
