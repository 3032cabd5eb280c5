//! How much one user or one address may ask for. Must not know what it is asked for.

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};

use crate::server::error::Failure;
use crate::server::settings::OperationSettings;

/// A burst is so many seconds' worth.
const BURST: u32 = 10;
/// When somebody with too many streams may try again, seconds.
const STREAM_PAUSE: u64 = 5;

type Limiter<K> = Option<DefaultKeyedRateLimiter<K>>;

/// The limits of one server.
pub struct Limits {
    users: Limiter<String>,
    peers: Limiter<IpAddr>,
    most_streams: u32,
    streams: Arc<Mutex<HashMap<String, u32>>>,
}

impl std::fmt::Debug for Limits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Limits").field("most_streams", &self.most_streams).finish_non_exhaustive()
    }
}

fn limiter<K: Hash + Eq + Clone>(rate: u32) -> Limiter<K> {
    let quota = Quota::per_second(NonZeroU32::new(rate)?);
    let quota = match NonZeroU32::new(rate.saturating_mul(BURST)) {
        Some(burst) => quota.allow_burst(burst),
        None => quota,
    };
    Some(RateLimiter::keyed(quota))
}

fn check<K: Hash + Eq + Clone>(limiter: Option<&DefaultKeyedRateLimiter<K>>, key: &K) -> Result<(), Failure> {
    let Some(limiter) = limiter else { return Ok(()) };
    limiter.check_key(key).map_err(|until| {
        let wait = until.wait_time_from(DefaultClock::default().now());
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        Failure::rate_limited("too many requests; wait before the next", seconds)
    })
}

impl Limits {
    pub(super) fn new(settings: &OperationSettings) -> Self {
        Self {
            users: limiter(settings.user_rate),
            peers: limiter(settings.peer_rate),
            most_streams: settings.user_streams,
            streams: Arc::default(),
        }
    }

    /// Counts a call of this user.
    pub fn user(&self, id: &str) -> Result<(), Failure> {
        check(self.users.as_ref(), &id.to_owned())
    }

    /// Counts a request from this address.
    pub(super) fn peer(&self, peer: IpAddr) -> Result<(), Failure> {
        check(self.peers.as_ref(), &neighbourhood(peer))
    }

    /// Counts an event stream of this user until the answer is dropped.
    pub(super) fn stream(&self, user: &str) -> Result<StreamSeat, Failure> {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        let open = streams.entry(user.to_owned()).or_insert(0);
        if self.most_streams > 0 && *open >= self.most_streams {
            return Err(Failure::rate_limited("too many event streams are open; close one first", STREAM_PAUSE));
        }
        *open += 1;
        Ok(StreamSeat { streams: Arc::clone(&self.streams), user: user.to_owned() })
    }

    /// Forgets those who have been quiet.
    pub(super) fn tidy(&self) {
        if let Some(users) = &self.users {
            users.retain_recent();
            users.shrink_to_fit();
        }
        if let Some(peers) = &self.peers {
            peers.retain_recent();
            peers.shrink_to_fit();
        }
    }
}

/// One open event stream.
#[derive(Debug)]
pub(super) struct StreamSeat {
    streams: Arc<Mutex<HashMap<String, u32>>>,
    user: String,
}

impl Drop for StreamSeat {
    fn drop(&mut self) {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = streams.get_mut(&self.user) {
            *open = open.saturating_sub(1);
            if *open == 0 {
                streams.remove(&self.user);
            }
        }
    }
}

/// An IPv6 customer has a whole /64 of addresses.
fn neighbourhood(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from(u128::from(ip) & !u128::from(u64::MAX))),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_its_burst_a_user_has_to_wait_and_nobody_else() {
        let limits = Limits::new(&OperationSettings { user_rate: 1, ..OperationSettings::default() });
        for _ in 0..BURST {
            limits.user("u1").expect("within the burst");
        }
        limits.user("u1").expect_err("one too many");
        limits.user("u2").expect("somebody else");
        let none = Limits::new(&OperationSettings { user_rate: 0, ..OperationSettings::default() });
        assert!((0..10_000).all(|_| none.user("u1").is_ok()));
    }

    #[test]
    fn a_stream_that_is_closed_makes_room() {
        let limits = Limits::new(&OperationSettings { user_streams: 2, ..OperationSettings::default() });
        let (first, _second) = (limits.stream("u1").expect("one"), limits.stream("u1").expect("two"));
        limits.stream("u1").expect_err("three");
        let _other = limits.stream("u2").expect("somebody else's");
        drop(first);
        let _third = limits.stream("u1").expect("room again");
    }

    #[test]
    fn neighbours_in_ipv6_count_together() {
        let [one, two, far] = ["2001:db8:1:2::1", "2001:db8:1:2:9::", "2001:db8:1:3::1"]
            .map(|address| neighbourhood(address.parse().expect("an address")));
        assert!(one == two && one != far);
        assert_eq!(neighbourhood("::ffff:10.0.0.1".parse().expect("an address")).to_string(), "10.0.0.1");
    }
}
