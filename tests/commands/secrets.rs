//! `tenantry secrets`: names are told, values reach the server and nobody else.

use crate::world::World;
use serde_json::{Value, json};

const VALUE: &str = "sk-hunter2";

async fn keys(world: &World, id: &str) -> Vec<String> {
    let answer = world.house.mara.get(&format!("/api/v1/tenants/{id}/secrets")).await.ok();
    serde_json::from_value(answer["keys"].clone()).expect("names")
}

#[tokio::test(flavor = "multi_thread")]
async fn they_are_set_from_input_and_files_listed_and_removed() {
    let world = World::new().await;
    let id = world.house.mara.running("one").await;
    std::fs::write(world.path("key"), format!("{VALUE}-file\n")).expect("written");
    let from_file = format!("gemini_api_key=@{}", world.path("key").display());
    let set = ["secrets", "set", "OPENAI_API_KEY=-", &from_file, "PORT=1", "--json"];
    let said = world.run_with(&set, &format!("{VALUE}\n")).await.done();
    let document = said.json();
    assert_eq!(document["keys"], json!(["GEMINI_API_KEY", "OPENAI_API_KEY"]));
    assert_eq!(document["rejected_keys"], json!(["PORT"]));
    assert!(said.err.contains("PORT is set by the platform"), "{said:?}");
    assert!(!said.out.contains("hunter2") && !said.err.contains("hunter2"), "{said:?}");
    assert_eq!(keys(&world, &id).await, ["GEMINI_API_KEY", "OPENAI_API_KEY"]);

    let listed = world.run(&["secrets", "list"]).await.done();
    assert_eq!(listed.out, "GEMINI_API_KEY\nOPENAI_API_KEY\n");
    let warned = world.run(&["secrets", "set", "A=hunter2", "--restart"]).await.done();
    assert!(warned.err.contains("every process") && !warned.err.contains("hunter2"), "{warned:?}");
    world.run(&["watch"]).await.done();
    // The machine has it.
    let environment = world.run(&["env", "--json"]).await.done().json();
    let one = environment["variables"].as_array().expect("variables").iter().find(|one| one["key"] == "A");
    assert!(one.is_some_and(|one| one["secret"] == true), "{environment}");
    assert!(!environment.to_string().contains("hunter2"), "{environment}");

    let said = world.run(&["secrets", "unset", "openai_api_key", "NOTHING", "--json"]).await.done().json();
    assert_eq!((&said["keys"], &said["absent_keys"]), (&json!(["OPENAI_API_KEY"]), &json!(["NOTHING"])));
    assert_eq!(keys(&world, &id).await, ["A", "GEMINI_API_KEY"]);
    // One that cannot be does not keep the others.
    let said = world.run(&["secrets", "unset", "1", "A", "--json"]).await;
    assert_eq!((said.code, &said.json()["keys"]), (Some(1), &json!(["A"])));
    assert_eq!(keys(&world, &id).await, ["GEMINI_API_KEY"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_meant_is_refused_without_a_word_of_it() {
    let world = World::new().await;
    let id = world.house.mara.tenant().await;
    for (arguments, code) in [
        (&["secrets", "set", "hunter2"][..], 2),
        (&["secrets", "set", "A=-", "B=-"], 2),
        (&["secrets", "set", "PORT=hunter2"], 1),
        (&["secrets", "set", "1=hunter2"], 1),
        (&["secrets", "set", "A="], 1),
        (&["secrets", "set", "A=@/no/such/file"], 1),
        (&["secrets", "set", "A=hunter2", "a=hunter2"], 2),
        (&["secrets", "set"], 2),
    ] {
        let said = world.run(arguments).await;
        assert_eq!(said.code, Some(code), "{arguments:?}: {said:?}");
        assert!(!said.err.contains("hunter2") && !said.out.contains("hunter2"), "{said:?}");
    }
    assert_eq!(keys(&world, &id).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_profiles_are_sent_and_a_mistake_of_old_is_removed() {
    let world = World::new().await;
    let id = world.house.mara.tenant().await;
    world.profile(&id, &json!({"openai": VALUE}));
    let said = world.run(&["secrets", "sync", "--json"]).await.done().json();
    assert!(said["message"].as_str().is_some_and(|words| words.contains("1 secret, 4 platform variables")), "{said}");
    assert!(keys(&world, &id).await.contains(&"OPENAI_API_KEY".to_owned()));
    let path = format!("/api/v1/tenants/{id}/secrets");
    let body: Value = json!({"secrets": {"SYSTEMPROMPT_API_URL": "http://h"}});
    world.house.mara.call(reqwest::Method::PUT, &path, Some(body)).await;
    // One without secrets of its own, and one that is not there: nothing of them is sent, and that is told.
    world.profile(&id, &json!({}));
    let empty = world.run(&["secrets", "sync", "--tenant", &id, "--yes"]).await.done();
    assert!(empty.out.contains("Sent: 0 secrets, 4 platform variables."), "{empty:?}");
    std::fs::remove_file(world.project().join(".systemprompt/profiles/prod/secrets.json")).expect("removed");
    let missing = world.run(&["secrets", "sync", "--json"]).await.done().json();
    let words = missing["message"].as_str().expect("a sentence");
    assert!(words.contains("no secrets.json in profile prod"), "{missing}");
    world.run(&["secrets", "cleanup"]).await.refused(2, "--yes");
    let said = world.run(&["secrets", "cleanup", "--yes", "--json"]).await.done().json();
    assert_eq!(said["keys"], json!(["SYSTEMPROMPT_API_URL"]));
    assert!(!keys(&world, &id).await.contains(&"SYSTEMPROMPT_API_URL".to_owned()));
    let again = world.run(&["secrets", "cleanup", "--yes"]).await.done();
    assert!(again.out.contains("There was no SYSTEMPROMPT_API_URL."), "{again:?}");
}
