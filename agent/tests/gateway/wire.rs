//! What is between a router and its gateway: an address translation that can be told to fail in all the ways they do.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::net::UdpSocket;
use tokio::task::JoinSet;

/// The largest datagram there is, bytes.
const DATAGRAM_MAX: usize = 65_535;

/// Translates datagrams until it is dropped.
pub struct Wire {
    at: SocketAddr,
    rules: Arc<Mutex<Rules>>,
    _task: JoinSet<()>,
}

#[derive(Default)]
struct Rules {
    no_way_there: bool,
    no_way_back: bool,
    /// Where the router sent from last.
    last: Option<SocketAddr>,
    /// From where nothing passes any more, in any direction.
    forgotten: HashSet<SocketAddr>,
    /// Mappings made so far, by where the router sends from.
    mappings: HashMap<SocketAddr, Arc<UdpSocket>>,
    made: usize,
}

impl Wire {
    pub async fn to(gateway: &str) -> Self {
        let near = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
        let (at, rules) = (near.local_addr().unwrap(), Arc::<Mutex<Rules>>::default());
        let mut task = JoinSet::new();
        task.spawn(there(near, gateway.parse().unwrap(), Arc::clone(&rules)));
        Self { at, rules, _task: task }
    }

    /// Where the router connects.
    pub fn at(&self) -> SocketAddr {
        self.at
    }

    /// Whether anything passes to the gateway, and back.
    pub fn pass(&self, there: bool, back: bool) {
        let mut rules = self.rules.lock().unwrap();
        (rules.no_way_there, rules.no_way_back) = (!there, !back);
    }

    /// The gateway sees the router come from another address from now on.
    pub fn move_router(&self) {
        self.rules.lock().unwrap().mappings.clear();
    }

    /// Nothing passes any more from where the router sent last.
    pub fn forget(&self) {
        let mut rules = self.rules.lock().unwrap();
        let last = rules.last.expect("nothing was sent yet");
        rules.forgotten.insert(last);
        rules.mappings.remove(&last);
    }

    /// From how many addresses the gateway saw the router come.
    pub fn mappings(&self) -> usize {
        self.rules.lock().unwrap().made
    }
}

async fn there(near: Arc<UdpSocket>, gateway: SocketAddr, rules: Arc<Mutex<Rules>>) {
    let (mut datagram, mut back_again) = (vec![0; DATAGRAM_MAX], JoinSet::new());
    while let Ok((length, router)) = near.recv_from(&mut datagram).await {
        let known = {
            let mut rules = rules.lock().unwrap();
            if rules.no_way_there || rules.forgotten.contains(&router) {
                continue;
            }
            rules.last = Some(router);
            rules.mappings.get(&router).cloned()
        };
        let far = match known {
            Some(far) => far,
            None => {
                let far = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
                far.connect(gateway).await.unwrap();
                let mut made = rules.lock().unwrap();
                made.made += 1;
                made.mappings.insert(router, Arc::clone(&far));
                back_again.spawn(back(Arc::clone(&near), router, Arc::clone(&far), Arc::clone(&rules)));
                far
            }
        };
        let _refused = far.send(&datagram[..length]).await;
    }
}

async fn back(near: Arc<UdpSocket>, router: SocketAddr, far: Arc<UdpSocket>, rules: Arc<Mutex<Rules>>) {
    let mut datagram = vec![0; DATAGRAM_MAX];
    loop {
        let Ok(length) = far.recv(&mut datagram).await else { continue };
        let passes = {
            let rules = rules.lock().unwrap();
            // What comes to an address the router has no more finds nobody.
            !rules.no_way_back && rules.mappings.get(&router).is_some_and(|own| Arc::ptr_eq(own, &far))
        };
        if passes {
            let _gone = near.send_to(&datagram[..length], router).await;
        }
    }
}
