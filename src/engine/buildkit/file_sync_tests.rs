//! The sending of files, with a test in the place of the engine.

use bollard_buildkit_proto::fsutil::types::packet::PacketType;
use bollard_buildkit_proto::fsutil::types::{Packet, Stat};
use futures_util::StreamExt;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::sync::Arc;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use tonic::metadata::MetadataMap;

use super::file_sync::{Files, Packets, serve};
use super::tasks::Tasks;
use super::wanted::Wanted;
use crate::engine::context::BuildContext;
use crate::engine::error::EngineError;

/// A transfer, seen from the engine.
struct Transfer {
    files: Arc<Files>,
    packets: Packets,
    requests: mpsc::Sender<Result<Packet, Status>>,
    tasks: Tasks,
}

impl Transfer {
    fn begin(tree: &TempDir) -> Self {
        fs::write(tree.path().join("Dockerfile"), "FROM scratch").unwrap();
        let files = Arc::new(Files::new(BuildContext::open(tree.path(), "Dockerfile").unwrap(), "Dockerfile"));
        let mut metadata = MetadataMap::new();
        metadata.insert("dir-name", "context".parse().unwrap());
        metadata.insert("exclude-patterns", "Dockerfile".parse().unwrap());
        let (requests, received) = mpsc::channel(4);
        let tasks = Tasks::default();
        let wanted = Wanted::read(&metadata).unwrap();
        let packets = serve(files.clone(), wanted, ReceiverStream::new(received), &tasks);
        Self { files, packets, requests, tasks }
    }

    async fn say(&self, kind: PacketType, id: u32) {
        self.requests.send(Ok(Packet { r#type: kind as i32, id, ..Packet::default() })).await.unwrap();
    }

    async fn stats(&mut self) -> Vec<Stat> {
        let mut stats = Vec::new();
        loop {
            let packet = self.packets.next().await.unwrap().unwrap();
            assert_eq!(packet.r#type, PacketType::PacketStat as i32);
            match packet.stat {
                Some(stat) => stats.push(stat),
                None => return stats,
            }
        }
    }

    async fn content(&mut self, id: u32) -> Result<Vec<u8>, Status> {
        self.say(PacketType::PacketReq, id).await;
        let mut content = Vec::new();
        loop {
            let packet = self.packets.next().await.unwrap()?;
            assert_eq!((packet.r#type, packet.id), (PacketType::PacketData as i32, id));
            if packet.data.is_empty() {
                return Ok(content);
            }
            assert!(packet.data.len() <= 32 * 1024);
            content.extend(packet.data);
        }
    }

    async fn end(mut self) {
        self.say(PacketType::PacketFin, 0).await;
        let last = self.packets.next().await.unwrap().unwrap();
        assert_eq!(last.r#type, PacketType::PacketFin as i32);
        assert!(self.packets.next().await.is_none());
        self.tasks.ended().await;
    }
}

fn tree(files: &[(&str, &[u8])]) -> TempDir {
    let tree = tempfile::tempdir().unwrap();
    for (path, content) in files {
        let path = tree.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    tree
}

#[tokio::test]
async fn what_there_is_comes_first_and_content_when_it_is_asked_for() {
    let big = vec![7; 100_000];
    let tree = tree(&[("a/big", &big), ("a/empty", b""), ("b", b"text")]);
    fs::set_permissions(tree.path().join("b"), fs::Permissions::from_mode(0o4750)).unwrap();
    fs::set_permissions(tree.path().join("a"), fs::Permissions::from_mode(0o1777)).unwrap();
    symlink("../b", tree.path().join("a/link")).unwrap();
    let mut transfer = Transfer::begin(&tree);
    let stats = transfer.stats().await;
    let told: Vec<_> = stats.iter().map(|stat| (stat.path.as_str(), stat.size, stat.linkname.as_str())).collect();
    assert_eq!(told, [("a", 0, ""), ("a/big", 100_000, ""), ("a/empty", 0, ""), ("a/link", 4, "../b"), ("b", 4, "")]);
    assert_eq!(stats[0].mode, 1 << 31 | 1 << 20 | 0o777);
    assert_eq!(stats[3].mode & !0o777, 1 << 27);
    assert_eq!(stats[4].mode, 1 << 23 | 0o750);
    assert!(stats.iter().all(|stat| stat.uid == 0 && stat.gid == 0 && stat.mod_time > 0));
    assert_eq!(transfer.content(1).await.unwrap(), big);
    assert_eq!(transfer.content(4).await.unwrap(), b"text");
    assert_eq!(transfer.content(2).await.unwrap(), b"");
    assert!((100_000..102_000).contains(&*transfer.files.sent().borrow()));
    assert!(transfer.files.failure().is_none());
    transfer.end().await;
}

#[tokio::test]
async fn the_second_name_of_a_file_is_told_as_such() {
    let tree = tree(&[("d/first", b"text"), ("e", b"text")]);
    fs::hard_link(tree.path().join("d/first"), tree.path().join("second")).unwrap();
    let mut transfer = Transfer::begin(&tree);
    let names: Vec<_> = transfer.stats().await.into_iter().map(|stat| (stat.path, stat.linkname)).collect();
    let told = |path: &str, link: &str| (path.to_owned(), link.to_owned());
    assert_eq!(names, [told("d", ""), told("d/first", ""), told("e", ""), told("second", "d/first")]);
    transfer.end().await;
}

#[tokio::test]
async fn a_file_that_vanishes_or_changes_is_named() {
    type Change = fn(&std::path::Path);
    let changes: [Change; 4] = [
        |path| fs::remove_file(path).unwrap(),
        |path| fs::write(path, "short").unwrap(),
        |path| fs::write(path, "text that is longer").unwrap(),
        |path| {
            fs::remove_file(path).unwrap();
            fs::create_dir(path).unwrap();
        },
    ];
    for change in changes {
        let tree = tree(&[("file", b"original")]);
        let mut transfer = Transfer::begin(&tree);
        transfer.stats().await;
        change(&tree.path().join("file"));
        transfer.content(0).await.unwrap_err();
        let failure = transfer.files.failure().expect("it cannot be sent");
        assert!(matches!(&failure, EngineError::Context { path, .. } if path.ends_with("file")), "{failure}");
        drop(transfer.packets);
        transfer.tasks.ended().await;
    }
}

#[tokio::test]
async fn a_name_that_is_not_text_is_said_with_what_to_do() {
    let tree = tree(&[]);
    fs::write(tree.path().join(OsStr::from_bytes(b"caf\xe9")), "x").unwrap();
    let mut transfer = Transfer::begin(&tree);
    assert!(transfer.packets.next().await.unwrap().is_err());
    let failure = transfer.files.failure().expect("it cannot be sent").to_string();
    assert!(failure.contains("UTF-8") && failure.contains("caf"), "{failure}");
}

#[tokio::test]
async fn only_what_was_offered_can_be_asked_for_and_only_once() {
    let tree = tree(&[("file", b"text"), ("d/x", b"")]);
    for ids in [&[9][..], &[0], &[2, 2]] {
        let mut transfer = Transfer::begin(&tree);
        transfer.stats().await;
        let mut outcome = Ok(Vec::new());
        for id in ids {
            outcome = transfer.content(*id).await;
        }
        assert_eq!(outcome.unwrap_err().code(), tonic::Code::InvalidArgument);
        assert!(transfer.files.failure().is_none());
    }
}

#[tokio::test]
async fn a_transfer_that_is_dropped_ends_its_tasks() {
    let tree = tree(&[]);
    for number in 0..100 {
        fs::write(tree.path().join(format!("{number}")), "x").unwrap();
    }
    // Far more than anybody could read.
    fs::File::create(tree.path().join("000")).unwrap().set_len(1 << 40).unwrap();
    let mut transfer = Transfer::begin(&tree);
    assert!(transfer.packets.next().await.unwrap().is_ok(), "the others wait for the channel");
    drop(transfer.packets);
    transfer.tasks.ended().await;

    let mut transfer = Transfer::begin(&tree);
    transfer.stats().await;
    transfer.say(PacketType::PacketReq, 1).await;
    assert!(transfer.packets.next().await.unwrap().is_ok(), "it is being read");
    drop(transfer.packets);
    transfer.tasks.ended().await;
}
