//! What a router is asked to look into: told in parts, once, within limits, and never begun again after a crash.

use tokio::task::LocalSet;
use weir_agent::diagnosis::journal::Commands;
use weir_agent::store::disk::Folder;
use weir_protocol::PROTO_REV;
use weir_protocol::control::command_result::Outcome;
use weir_protocol::control::{Command, GoAway, GoAwayReason, command, down, up};
use weir_protocol::diagnosis::{Cancel, Capture, Diagnose, Log, LookUp, Shaper, Talkers, Traceroute, diagnose::Tool};

use crate::bench::{Bench, Gateway, Running, Served};

async fn ask(cloud: &mut Served, id: u8, not_after_ms: u64, tool: Tool) {
    let diagnose = Diagnose { not_after_ms, seconds: 20, tool: Some(tool), ..Diagnose::default() };
    let what = Some(command::What::Diagnose(diagnose));
    cloud.say(down::Message::Command(Command { id: vec![id; 16], what })).await;
}

/// What a diagnosis told until its end, and its end; the parts of others are passed over.
async fn end(cloud: &mut Served, id: u8) -> (String, Outcome) {
    let mut text = Vec::new();
    loop {
        match cloud.control().await {
            up::Message::DiagnosisPart(part) if part.id == [id; 16] => text.extend(part.data),
            up::Message::CommandResult(result) if result.id == [id; 16] => {
                return (String::from_utf8(text).unwrap(), result.outcome.unwrap());
            }
            _ => {}
        }
    }
}

fn refusal(outcome: Outcome) -> String {
    match outcome {
        Outcome::Refused(refused) => refused.code,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn questions_are_answered_once_and_what_cannot_be_done_is_refused() {
    let (gateway, folder, bench) = (Gateway::start(), tempfile::tempdir().unwrap(), Bench::new());
    let identity = gateway.identity();
    let story = async {
        let agent = Running::start(folder.path(), &identity, &bench);
        let (mut cloud, _) = gateway.session().await;
        cloud.welcome_at(PROTO_REV, Vec::new()).await;
        ask(&mut cloud, 1, u64::MAX, Tool::Shaper(Shaper::default())).await;
        let (text, outcome) = end(&mut cloud, 1).await;
        assert_eq!(text, "nothing is shaped here\n");
        assert!(matches!(outcome, Outcome::Diagnosed(done) if done.parts == 1 && !done.cut_short));
        // Asked again it is not answered again: the next answers are of the others.
        ask(&mut cloud, 1, u64::MAX, Tool::Shaper(Shaper::default())).await;
        ask(&mut cloud, 2, 1, Tool::Log(Log::default())).await;
        ask(&mut cloud, 3, u64::MAX, Tool::Shaper(Shaper { line: vec![9; 16] })).await;
        ask(&mut cloud, 4, u64::MAX, Tool::Capture(Capture { line: vec![9; 16], snap_bytes: 96 })).await;
        ask(&mut cloud, 5, u64::MAX, Tool::LookUp(LookUp { name: "a".into(), server: "nobody".into() })).await;
        for (id, code) in [(2, "too-late"), (3, "line-unknown"), (4, "line-unknown"), (5, "server-unknown")] {
            match cloud.control().await {
                up::Message::CommandResult(result) => {
                    assert_eq!((result.id[0], refusal(result.outcome.unwrap()).as_str()), (id, code));
                }
                other => panic!("{other:?}"),
            }
        }
        bench.move_bytes(1, 5_000_000);
        ask(&mut cloud, 6, u64::MAX, Tool::Talkers(Talkers::default())).await;
        let (text, outcome) = end(&mut cloud, 6).await;
        assert!(matches!(outcome, Outcome::Diagnosed(_)) && text.contains("all lines"), "{text}");
        ask(&mut cloud, 7, u64::MAX, Tool::Traceroute(Traceroute { host: "127.0.0.1".into() })).await;
        let (text, outcome) = end(&mut cloud, 7).await;
        assert!(matches!(&outcome, Outcome::Diagnosed(done) if !done.cut_short), "{outcome:?} {text}");
        assert!(text.contains("\n 1  127.0.0.1  ") && text.lines().count() == 2, "{text}");
        agent.stop().await;
    };
    LocalSet::new().run_until(story).await;
}

#[tokio::test]
async fn what_was_begun_before_a_crash_is_unknown_and_never_begun_again() {
    let (gateway, folder, bench) = (Gateway::start(), tempfile::tempdir().unwrap(), Bench::new());
    let identity = gateway.identity();
    let mut commands = Commands::open(Folder::open(folder.path()).unwrap());
    commands.begin(&[7; 16], 5).unwrap();
    let story = async {
        let agent = Running::start(folder.path(), &identity, &bench);
        let (mut cloud, _) = gateway.session().await;
        cloud.welcome_at(8, Vec::new()).await;
        let reason = GoAwayReason::Drain.into();
        let away = GoAway { reason, reconnect_after_max_ms: 1, ..GoAway::default() };
        cloud.say(down::Message::GoAway(away)).await;
        let (mut cloud, _) = gateway.session().await;
        cloud.welcome_at(PROTO_REV, Vec::new()).await;
        match end(&mut cloud, 7).await {
            (text, Outcome::Unknown(unknown)) => assert_eq!((text.as_str(), unknown.began_ms), ("", 5)),
            other => panic!("a cloud of before was told, or: {other:?}"),
        }
        // The command comes again, as from a cloud that was put back: the next answer is of another.
        ask(&mut cloud, 7, u64::MAX, Tool::Capture(Capture::default())).await;
        ask(&mut cloud, 8, u64::MAX, Tool::Log(Log::default())).await;
        loop {
            if let up::Message::CommandResult(result) = cloud.control().await {
                assert_eq!(result.id, [8; 16]);
                break;
            }
        }
        // Two at once, and no more; one that nobody wants makes room.
        for id in [9, 10, 11] {
            ask(&mut cloud, id, u64::MAX, Tool::Talkers(Talkers::default())).await;
        }
        assert_eq!(refusal(end(&mut cloud, 11).await.1), "busy");
        cloud.say(down::Message::Cancel(Cancel { id: vec![9; 16] })).await;
        ask(&mut cloud, 12, u64::MAX, Tool::Log(Log::default())).await;
        assert!(matches!(end(&mut cloud, 12).await.1, Outcome::Diagnosed(_)));
        agent.stop().await;
    };
    LocalSet::new().run_until(story).await;
}
