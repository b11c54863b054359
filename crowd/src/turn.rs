//! Which hub a client tries: the next of a list after each connection that ended or did not come about.

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

    /// The next one's turn. A single Service, which chooses itself, stays.
    pub(super) fn pass(&mut self) {
        self.at = self.at.wrapping_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_its_turn_and_one_alone_has_it_always() {
        let targets: Vec<Target> = ["ws://a", "ws://b", "ws://c"].map(|url| url.parse().unwrap()).to_vec();
        let mut turn = Turn::new(&targets, 4);
        let mut seen = Vec::new();
        for _ in 0..4 {
            seen.push(turn.target().unwrap().host.clone());
            turn.pass();
        }
        assert_eq!(seen, ["b", "c", "a", "b"]);
        let mut alone = Turn::new(&targets[..1], 7);
        alone.pass();
        assert_eq!(alone.target(), Some(&targets[0]));
    }
}
