//! Who may use how much of a limit of the whole cluster: a pure function of the table that all hubs see.
//!
//! Every hub changes its own line only, and takes only what the lines of all leave free, so the sum is never above the limit, whatever the plan says;
//! the plan decides what is fair. Each hub is due what it needs, then some room for what comes next, then an equal part of the rest; when there is not
//! enough, nobody gets more than another who wants more (max-min). What a hub uses is never taken from it. It gives up what it is not due when another
//! waits for it.

use serde::{Deserialize, Serialize};

/// A hub's line for one limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Claim {
    /// What it may use.
    pub(super) share: u32,
    /// What it uses and cannot give up: its connections; of a rate nothing.
    pub(super) used: u32,
    /// What it would use, `used` included.
    pub(super) want: u32,
}

impl Claim {
    /// Whether the others should hear of it, by what it uses and wants.
    pub(super) fn differs(self, told: Self, limit: u32) -> bool {
        let much = limit / 64;
        let is_far = |a: u32, b: u32| a.abs_diff(b) > much || (a == 0) != (b == 0);
        self.share != told.share || is_far(self.used, told.used) || is_far(self.want, told.want)
    }
}

/// The new share of the hub whose line is `claims[me]`.
pub(super) fn plan(limit: u32, claims: &[Claim], me: usize) -> u32 {
    let mine = claims[me];
    let wishes = wishes(limit, claims);
    let due = due(limit, claims, &wishes);
    let sum: u64 = claims.iter().map(|claim| u64::from(claim.share)).sum();
    if mine.share > due[me] {
        let others = claims.iter().enumerate().filter(|(other, _)| *other != me);
        let mut waiting = others.map(|(other, claim)| claim.share < due[other].min(wishes[other]));
        let is_needed = sum > u64::from(limit) || waiting.any(|waits| waits);
        return if is_needed { due[me] } else { mine.share };
    }
    let free = u32::try_from(u64::from(limit).saturating_sub(sum)).unwrap_or(u32::MAX);
    let more = (due[me] - mine.share).min(free);
    // A little more than nobody waits for is not worth a write that every hub reads.
    if mine.share >= wishes[me] && more <= limit / 32 { mine.share } else { mine.share + more }
}

/// What each needs.
fn need(claim: &Claim, limit: u32) -> u32 {
    claim.want.max(claim.used).min(limit.max(claim.used))
}

/// What each would have besides, when there is enough: room for what comes before the next turn.
fn wishes(limit: u32, claims: &[Claim]) -> Vec<u32> {
    let hubs = u32::try_from(claims.len()).unwrap_or(u32::MAX).max(1);
    let room = limit / hubs.saturating_mul(8) + 1;
    claims.iter().map(|claim| need(claim, limit).saturating_add(room).min(limit)).collect()
}

/// What each is due: first what all need, then what they wish, then the rest in equal parts.
fn due(limit: u32, claims: &[Claim], wishes: &[u32]) -> Vec<u32> {
    let used: Vec<u32> = claims.iter().map(|claim| claim.used).collect();
    let needs: Vec<u32> = claims.iter().map(|claim| need(claim, limit)).collect();
    let sum = |parts: &[u32]| parts.iter().map(|part| u64::from(*part)).sum::<u64>();
    if sum(&needs) >= u64::from(limit) {
        return level(limit, &used, &needs);
    }
    let mut due = level(limit, &needs, wishes);
    let rest = u64::from(limit).saturating_sub(sum(&due));
    let hubs = due.len() as u64;
    for (index, due) in due.iter_mut().enumerate() {
        let part = rest / hubs + u64::from((index as u64) < rest % hubs);
        *due = due.saturating_add(u32::try_from(part).unwrap_or(u32::MAX));
    }
    due
}

/// Raises all together from their least to their most, as far as the limit goes: nobody gets more than another who wants more, but for its least.
fn level(limit: u32, least: &[u32], most: &[u32]) -> Vec<u32> {
    let at = |level: u32, index: usize| most[index].min(level).max(least[index]);
    let sum_at = |level: u32| (0..least.len()).map(|index| u64::from(at(level, index))).sum::<u64>();
    let (mut low, mut high) = (0, limit);
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        if sum_at(middle) <= u64::from(limit) { low = middle } else { high = middle - 1 }
    }
    let mut rest = u64::from(limit).saturating_sub(sum_at(low));
    let mut parts: Vec<u32> = (0..least.len()).map(|index| at(low, index)).collect();
    // The level does not go up any more as a whole: one more for the first of those whom it would lift.
    for (index, part) in parts.iter_mut().enumerate() {
        if rest > 0 && low < limit && at(low + 1, index) > *part {
            *part += 1;
            rest -= 1;
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn claim(share: u32, used: u32, want: u32) -> Claim {
        Claim { share, used, want }
    }

    fn sum(claims: &[Claim]) -> u64 {
        claims.iter().map(|claim| u64::from(claim.share)).sum()
    }

    /// Every hub has its turns, in the order of `order`, until nothing moves.
    fn settle(limit: u32, claims: &mut [Claim], order: impl Fn(usize) -> usize) -> usize {
        for turn in 0..100 {
            let before: Vec<u32> = claims.iter().map(|claim| claim.share).collect();
            for place in 0..claims.len() {
                let me = order(place);
                claims[me].share = plan(limit, claims, me);
            }
            if claims.iter().zip(before).all(|(claim, before)| claim.share == before) {
                return turn;
            }
        }
        panic!("it never comes to rest: {claims:?}");
    }

    #[test]
    fn a_hub_that_is_alone_has_everything_and_gives_half_of_it_to_one_who_comes() {
        let mut claims = vec![Claim::default()];
        settle(100, &mut claims, |me| me);
        assert_eq!(claims[0].share, 100);
        claims.push(claim(0, 0, 0));
        settle(100, &mut claims, |me| me);
        assert!(claims[1].share >= 6 && sum(&claims) == 100, "some room at once: {claims:?}");
        claims[1].want = 80;
        settle(100, &mut claims, |me| me);
        assert!(claims[1].share >= 80, "nobody else wants it: {claims:?}");
        claims[0].want = 80;
        settle(100, &mut claims, |me| me);
        assert_eq!((claims[0].share, claims[1].share), (50, 50), "both want more than there is");
    }

    #[test]
    fn the_last_place_is_for_whoever_needs_it_and_no_room_is_kept_from_it() {
        let mut claims = vec![claim(2, 0, 0), claim(5, 3, 3), claim(23, 23, 30)];
        settle(30, &mut claims, |me| me);
        assert_eq!(claims.iter().map(|claim| claim.share).collect::<Vec<_>>(), [0, 3, 27]);
    }

    #[test]
    fn what_is_in_use_is_not_taken_away() {
        let mut claims = vec![claim(100, 90, 90), claim(0, 0, 50)];
        settle(100, &mut claims, |me| me);
        assert_eq!((claims[0].share, claims[1].share), (90, 10));
    }

    #[test]
    fn under_a_lower_limit_all_come_down_to_what_they_use() {
        let mut claims = vec![claim(60, 30, 30), claim(40, 40, 40)];
        settle(50, &mut claims, |me| me);
        assert_eq!((claims[0].share, claims[1].share), (30, 40), "nobody is thrown out");
        claims[1] = claim(40, 5, 5);
        settle(50, &mut claims, |me| me);
        assert!(sum(&claims) <= 50, "{claims:?}");
    }

    #[test]
    fn a_hub_that_comes_back_with_more_than_is_free_gets_what_is_free() {
        assert_eq!(plan(100, &[claim(70, 70, 70), claim(0, 60, 60)], 1), 30);
    }

    prop_compose! {
        fn claims()(lines in prop::collection::vec((0_u32..500, 0_u32..500, 0_u32..2000), 1..12)) -> Vec<Claim> {
            lines.into_iter().map(|(share, used, want)| claim(share, used.min(share), want)).collect()
        }
    }

    proptest! {
        #[test]
        fn the_sum_is_never_above_the_limit_whoever_acts_dies_or_comes(
            limit in 1_u32..5000, mut claims in claims(), acts in prop::collection::vec((any::<u16>(), 0_u8..10, 0_u32..3000), 0..200),
        ) {
            // The table begins as somebody may have left it, but not above the limit.
            let mut left = limit;
            for claim in &mut claims {
                claim.share = claim.share.min(left);
                claim.used = claim.used.min(claim.share);
                left -= claim.share;
            }
            for (who, act, number) in acts {
                match act {
                    0 if claims.len() > 1 => { claims.remove(usize::from(who) % claims.len()); }
                    1 => claims.push(Claim::default()),
                    2 => {
                        let me = usize::from(who) % claims.len();
                        claims[me].want = number;
                        claims[me].used = claims[me].share.min(number);
                    }
                    _ => {
                        let me = usize::from(who) % claims.len();
                        claims[me].share = plan(limit, &claims, me);
                        prop_assert!(claims[me].share >= claims[me].used);
                    }
                }
                prop_assert!(sum(&claims) <= u64::from(limit), "{:?}", claims);
            }
        }

        #[test]
        fn it_comes_to_rest_and_nobody_waits_while_another_has_more_than_it_needs(
            limit in 1_u32..5000, mut claims in claims(), reverse: bool,
        ) {
            let mut left = limit;
            for claim in &mut claims {
                claim.share = claim.share.min(left);
                claim.used = claim.used.min(claim.share);
                left -= claim.share;
            }
            let last = claims.len() - 1;
            let turns = settle(limit, &mut claims, |place| if reverse { last - place } else { place });
            prop_assert!(turns <= 6, "{} turns", turns);
            let wishes = wishes(limit, &claims);
            let due = due(limit, &claims, &wishes);
            prop_assert!(due.iter().map(|due| u64::from(*due)).sum::<u64>() <= u64::from(limit));
            for (index, claim) in claims.iter().enumerate() {
                prop_assert!(claim.share >= due[index].min(wishes[index]), "{:?} {:?}", claims, due);
            }
        }
    }
}
