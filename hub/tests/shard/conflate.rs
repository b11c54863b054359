//! The policy `conflate`: a slow client gets the newest of each key, and every other message is counted for it.

use gohub::Settings;
use gohub::protocol::client::{ClientRequest, ServerFrame};
use gohub::protocol::{GapReason, Offset};
use gohub_settings::SlowPolicy;
use gohub_test_client::{Client, Connect, padded, start, text_of};

use crate::slow::{reluctant, tight};

const KEYS: usize = 5;
const COUNT: usize = 400;

fn conflating() -> Settings {
    let mut settings = tight();
    settings.slow_client.policy = SlowPolicy::Conflate;
    settings
}

/// Publishes numbered messages of a thousand bytes; those that `key` names one for have it.
async fn flood(publisher: &mut Client, key: impl Fn(usize) -> Option<String>) {
    for number in 0..COUNT {
        let request = ClientRequest::broadcast(padded(&number.to_string(), 1000));
        let request = match key(number) {
            Some(key) => request.key(key),
            None => request,
        };
        publisher.publish(request).await;
        assert_eq!(publisher.text().await, number.to_string());
    }
}

fn of_five(number: usize) -> Option<String> {
    Some(format!("price {}#{number}", number % KEYS))
}

/// What a client got up to message `last`, and how many it was told it does not get, by reason.
#[derive(Debug, Default)]
struct Account {
    numbers: Vec<usize>,
    conflated: u64,
    dropped: u64,
    position: Offset,
}

impl Account {
    /// Reads one thing; `true`: a gap.
    async fn read(&mut self, client: &mut Client) -> bool {
        match client.frame().await {
            ServerFrame::Publication(publication, offset) => {
                assert!(offset > self.position, "{offset} comes behind {}", self.position);
                let number = text_of(&publication).parse().unwrap();
                assert!(self.numbers.last().is_none_or(|last| *last < number), "{number} after {:?}", self.numbers);
                self.numbers.push(number);
                self.position = offset;
                false
            }
            ServerFrame::Gap { from, to, count, reason, room: None, offset } => {
                assert!(to >= from);
                match reason {
                    GapReason::Conflated => self.conflated += count.unwrap(),
                    GapReason::SlowClient => self.dropped += count.unwrap(),
                    other => panic!("unexpected {other:?}"),
                }
                self.position = self.position.max(offset.expect("the newest of some key follows"));
                true
            }
            other => panic!("unexpected {other:?}"),
        }
    }

    async fn up_to(client: &mut Client, last: usize) -> Self {
        let mut account = Self::default();
        while account.numbers.last() != Some(&last) {
            account.read(client).await;
        }
        account
    }
}

#[tokio::test]
async fn a_slow_client_gets_the_newest_of_each_key_and_the_number_of_the_rest() {
    for is_binary in [false, true] {
        let hub = start(conflating()).await;
        let mut alice = Client::connect(&hub, "alice").await;
        let slow = reluctant(&hub, "slow");
        let mut slow = if is_binary { slow.cbor() } else { slow }.open().await;
        flood(&mut alice, of_five).await;
        let account = Account::up_to(&mut slow, COUNT - 1).await;
        assert!(account.conflated > 0 && account.dropped == 0, "{account:?}");
        assert_eq!(account.numbers.len() as u64 + account.conflated, COUNT as u64, "each is here or counted");
        let newest = COUNT - KEYS..COUNT;
        assert!(newest.clone().all(|number| account.numbers.contains(&number)), "{account:?}");
        assert_eq!(slow.settle().await, []);
    }
}

#[tokio::test]
async fn what_has_no_key_follows_the_drop_rule_and_is_told_of_apart() {
    let hub = start(conflating()).await;
    let mut alice = Client::connect(&hub, "alice").await;
    let mut slow = reluctant(&hub, "slow").open().await;
    // The last ones have a key, so that what comes after a gap can be told from what was kept.
    let key = |number: usize| if number.is_multiple_of(2) && number < COUNT - KEYS { None } else { of_five(number) };
    flood(&mut alice, key).await;
    let account = Account::up_to(&mut slow, COUNT - 1).await;
    assert!(account.conflated > 0 && account.dropped > 0, "{account:?}");
    assert_eq!(account.numbers.len() as u64 + account.conflated + account.dropped, COUNT as u64, "{account:?}");
    assert!((COUNT - KEYS..COUNT).all(|number| account.numbers.contains(&number)), "{account:?}");
}

#[tokio::test]
async fn who_is_cut_off_in_the_middle_of_what_was_kept_comes_back_to_all_of_it() {
    let hub = start(conflating()).await;
    let mut alice = Client::connect(&hub, "alice").await;
    let mut slow = reluctant(&hub, "slow").open().await;
    let epoch = slow.epoch();
    flood(&mut alice, of_five).await;
    let mut account = Account::default();
    while !account.read(&mut slow).await {}
    drop(slow);
    let mut again = Connect::to(&hub).id("slow").resume(&epoch, account.position).open().await;
    assert!(again.welcome.recovered);
    while account.numbers.last() != Some(&(COUNT - 1)) {
        account.read(&mut again).await;
    }
    assert!((COUNT - KEYS..COUNT).all(|number| account.numbers.contains(&number)), "{account:?}");
}

#[tokio::test]
async fn who_keeps_up_gets_everything_also_with_this_policy() {
    let hub = start(conflating()).await;
    let mut alice = Client::connect(&hub, "alice").await;
    flood(&mut alice, of_five).await;
    assert_eq!(alice.settle().await, [], "each was read as it came");
}
