//! The cloud's tenants in the project's list (protocol D.1 to D.6, E.3): the platform's own program works on that file, and
//! refuses a tenant that is not in it. What only the file knows of one stays, its database's address above all.
//!
//! Must not know who asks, nor how the list is read and written: that is `tenants_change.rs`.

use serde::Serialize;
use serde_json::{Value, json};

use super::tenants_change::{Entries, Entry, has_id, now};
use super::tenants_file::is_local;
use crate::model::{Secret, Tenant, TenantId, database_url};

/// As machines reach the database, and as this machine does.
const INSIDE: &str = "internal_database_url";
const MAIN: &str = "database_url";

/// Whose list of tenants it is. Written beside each of them, because one project may be used by several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Account {
    /// The API's address, without trailing slash.
    pub api: String,
    /// What knows the account again: its id, or its e-mail address.
    pub id: String,
}

impl Account {
    fn value(&self) -> Value {
        json!({ "api": self.api, "id": self.id })
    }
}

impl Entries {
    /// Puts the cloud's tenants beside the local ones, as the API lists them now, `account`'s where that is known. One that was
    /// `account`'s and is not in its list any more is marked as `gone`; with `whole` also one of which nobody knows whose it
    /// was, because the file is about this account.
    pub fn merge_cloud(&mut self, tenants: &[Tenant], account: Option<&Account>, whole: bool) {
        let before = self.list.clone();
        for tenant in tenants {
            self.put_one(tenant, account);
        }
        for entry in self.list.iter_mut().filter(|entry| !is_local(entry)) {
            let is_listed = tenants.iter().any(|tenant| has_id(entry, &tenant.id));
            let is_ours = match entry.get("account") {
                Some(known) => account.is_some_and(|account| account.value() == *known),
                None => whole,
            };
            if let (false, true, Some(entry)) = (is_listed, is_ours, entry.as_object_mut()) {
                entry.insert("gone".to_owned(), true.into());
            }
        }
        self.mark(&before);
    }

    /// Puts one, as the API shows it now.
    pub fn put_cloud(&mut self, tenant: &Tenant, account: Option<&Account>) {
        let before = self.list.clone();
        self.put_one(tenant, account);
        self.mark(&before);
    }

    /// Says that the list is as the API has it now.
    pub fn synced(&mut self) {
        self.document.insert("synced_at".to_owned(), now());
    }

    /// Puts new addresses of a tenant's database (protocol D.4): the outer one is the one for this machine where the database
    /// can be reached from outside, and where it cannot there is none. Stars are put over nothing, an address of another
    /// database stays, and a tenant that is not there stays away.
    pub fn put_addresses(&mut self, id: &TenantId, inside: &Secret, outside: Option<&Secret>, is_open: bool) {
        let Some(entry) = self.at(id) else { return };
        if !database_url::is_masked(inside.reveal()) {
            entry.insert(INSIDE.to_owned(), inside.reveal().into());
        }
        put_main(entry, outside.filter(|_| is_open));
        entry.insert("external_db_access".to_owned(), is_open.into());
    }

    /// Says whether the database can be reached from outside (protocol B.37), at `shown` where its password is masked, at
    /// `outside` where it is known; else what the file itself knows completes the address.
    pub fn switch_access(&mut self, id: &TenantId, enabled: bool, shown: &str, outside: Option<&Secret>) {
        let Some(entry) = self.at(id) else { return };
        let known = address(entry, INSIDE).map(Secret::new);
        let made = || {
            let inside = known.as_ref()?;
            database_url::unmasked(shown, inside).or_else(|| database_url::outside(inside))
        };
        let outside = if enabled { outside.cloned().or_else(made) } else { None };
        if !enabled || outside.is_some() {
            put_main(entry, outside.as_ref());
        }
        entry.insert("external_db_access".to_owned(), enabled.into());
    }

    /// Takes one out: it is deleted, or its subscription is cancelled (protocol D.6).
    pub fn remove_cloud(&mut self, id: &TenantId) {
        self.list.retain(|entry| is_local(entry) || !has_id(entry, id));
    }

    /// The addresses that the file has of a tenant's database, as machines reach it and as this machine does; none with stars
    /// for a password.
    #[must_use]
    pub fn addresses(&self, id: &TenantId) -> (Option<Secret>, Option<Secret>) {
        let found = self.list.iter().find(|entry| !is_local(entry) && has_id(entry, id)).and_then(Value::as_object);
        let of = |key| found.and_then(|entry| address(entry, key)).map(Secret::new);
        (of(INSIDE), of(MAIN))
    }

    fn put_one(&mut self, tenant: &Tenant, account: Option<&Account>) {
        let entry = if let Some(known) = self.at(&tenant.id) {
            known
        } else {
            self.list.push(json!({ "id": tenant.id.as_str(), "external_db_access": false }));
            let Some(fresh) = self.list.last_mut().and_then(Value::as_object_mut) else { return };
            fresh
        };
        entry.remove("gone");
        let word = |word: &Option<String>| word.as_deref().map(Value::from);
        for (key, value) in [
            ("name", Some(tenant.name.as_str().into())),
            ("tenant_type", Some("cloud".into())),
            ("app_id", word(&tenant.fly_app_name)),
            ("hostname", word(&tenant.hostname)),
            ("region", word(&tenant.region)),
            ("external_db_access", tenant.external_db_access.map(Value::from)),
            ("created_at", word(&tenant.created_at)),
            ("account", account.map(Account::value)),
        ] {
            // What the API does not say is no news.
            if let Some(value) = value {
                entry.insert(key.to_owned(), value);
            }
        }
    }

    /// The entry of one of the cloud.
    fn at(&mut self, id: &TenantId) -> Option<&mut Entry> {
        let at = self.list.iter().position(|entry| !is_local(entry) && has_id(entry, id))?;
        self.list.get_mut(at)?.as_object_mut()
    }

    fn mark(&mut self, before: &[Value]) {
        if self.list != before {
            self.synced();
        }
    }
}

/// A whole address of the entry.
fn address<'a>(entry: &'a Entry, key: &str) -> Option<&'a str> {
    let url = entry.get(key).and_then(Value::as_str);
    url.filter(|url| !database_url::is_masked(url))
}

/// Sets the address that is used from this machine, or takes it away where the inner one knows as much. One of another
/// database is somebody's own.
fn put_main(entry: &mut Entry, url: Option<&Secret>) {
    let inside = address(entry, INSIDE);
    let is_own = match (address(entry, MAIN), inside) {
        (Some(known), Some(inside)) => !database_url::same_database(known, inside),
        _ => false,
    };
    match url {
        _ if is_own => {}
        Some(url) if database_url::is_masked(url.reveal()) => {}
        Some(url) => {
            entry.insert(MAIN.to_owned(), url.reveal().into());
        }
        // Without the inner one it would be the last place of the password.
        None if inside.is_some() => {
            entry.remove(MAIN);
        }
        None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::tenants_change::{change, change_where_needed};
    use crate::workspace::{Project, WorkspaceError, tenants_file};

    const URL: &str = "postgres://systemprompt:0f9c@localhost:5432/systemprompt";
    const INNER: &str = "postgres://t:h8T@sp-postgres.internal:5432/site";
    const OUTER: &str = "postgres://t:h8T@db.systemprompt.io:5432/site";

    fn project(list: &Value) -> (tempfile::TempDir, Project) {
        let folder = tempfile::tempdir().expect("a folder");
        let project = Project { root: folder.path().to_owned() };
        std::fs::create_dir_all(project.directory()).expect("made");
        std::fs::write(tenants_file::path(&project), json!({ "tenants": list }).to_string()).expect("written");
        (folder, project)
    }

    fn content(project: &Project) -> Value {
        serde_json::from_slice(&std::fs::read(tenants_file::path(project)).expect("read")).expect("JSON")
    }

    fn changed(project: &Project, work: impl Fn(&mut Entries)) -> Value {
        change(project, |entries| {
            work(entries);
            Ok::<_, WorkspaceError>(())
        })
        .expect("written");
        content(project)
    }

    fn tenants(list: &Value) -> Vec<Tenant> {
        serde_json::from_value(list.clone()).expect("tenants")
    }

    fn account(id: &str) -> Account {
        Account { api: "https://a.example".into(), id: id.into() }
    }

    fn id(id: &str) -> TenantId {
        TenantId::new(id).expect("an id")
    }

    #[test]
    fn the_clouds_tenants_come_beside_the_local_ones_and_lose_nothing() {
        let local = json!({"id": "local_1", "name": "local", "tenant_type": "local", "database_url": URL});
        let (_folder, project) = project(&json!([
            {"id": "3f6c", "name": "3f6c1b8e", "type": "cloud", "database_url": URL, "odd": 1, "region": "fra", "gone": true},
            local,
            {"id": "9a11", "name": "sold", "tenant_type": "cloud", "database_url": URL}]));
        let cloud = tenants(&json!([
            {"id": "77aa", "name": "new", "hostname": "new.example", "region": "iad", "app_id": "sp-77aa"},
            {"id": "3f6c", "name": "orchard", "external_db_access": true}]));
        let json = changed(&project, |entries| entries.merge_cloud(&cloud, None, false));
        assert!(json["tenants"][2].get("gone").is_none(), "another account's list says nothing of it");
        let json = changed(&project, |entries| entries.merge_cloud(&cloud, None, true));
        let list = json["tenants"].as_array().expect("a list");
        assert_eq!(list.len(), 4);
        let known = &list[0];
        assert_eq!((&known["name"], &known["region"], &known["odd"]), (&json!("orchard"), &json!("fra"), &json!(1)));
        assert_eq!((&known["database_url"], &known["external_db_access"]), (&json!(URL), &json!(true)));
        assert!(known.get("gone").is_none(), "it is there again");
        assert_eq!(list[1], local);
        assert_eq!((&list[2]["gone"], &list[2]["database_url"]), (&json!(true), &json!(URL)));
        let new = json!({"id": "77aa", "name": "new", "tenant_type": "cloud", "hostname": "new.example", "region": "iad",
            "app_id": "sp-77aa", "external_db_access": false});
        assert_eq!(list[3], new);
        assert!(json["synced_at"].is_string());
    }

    #[test]
    fn only_what_was_an_accounts_own_is_gone_from_its_list() {
        let (_folder, project) = project(&json!([{"id": "old", "name": "old", "tenant_type": "cloud"}]));
        let (one, two) = (account("u1"), account("u2"));
        let (first, second) =
            (tenants(&json!([{"id": "a", "name": "a"}])), tenants(&json!([{"id": "b", "name": "b"}])));
        changed(&project, |entries| entries.merge_cloud(&first, Some(&one), false));
        changed(&project, |entries| entries.merge_cloud(&second, Some(&two), false));
        let json = changed(&project, |entries| entries.merge_cloud(&[], Some(&two), true));
        let gone: Vec<_> = json["tenants"].as_array().expect("a list").iter().map(|one| one["gone"] == true).collect();
        assert_eq!(gone, [true, false, true], "{json}");
    }

    #[test]
    fn what_is_so_already_is_not_written() {
        let (_folder, project) = project(&json!([]));
        let path = tenants_file::path(&project);
        let cloud = tenants(&json!([{"id": "a", "name": "a", "region": "fra"}]));
        let merge = |project: &Project| {
            change_where_needed(project, |entries| entries.merge_cloud(&cloud, Some(&account("u1")), false))
        };
        assert!(merge(&project).expect("written"));
        let before = (std::fs::read(&path).expect("read"), std::fs::metadata(&path).expect("there").modified().ok());
        assert!(!merge(&project).expect("looked"));
        let after = (std::fs::read(&path).expect("read"), std::fs::metadata(&path).expect("there").modified().ok());
        assert_eq!(before, after);
        // Nor is a file made for nothing.
        std::fs::remove_file(&path).expect("removed");
        assert!(!change_where_needed(&project, |entries| entries.remove_cloud(&id("a"))).expect("looked"));
        assert!(!path.exists());
        std::fs::write(&path, "[ damaged").expect("written");
        assert!(merge(&project).is_err());
        assert_eq!(std::fs::read_to_string(&path).ok().as_deref(), Some("[ damaged"));
    }

    #[test]
    fn addresses_are_kept_where_this_machine_can_use_them() {
        let (_folder, project) = project(&json!([
            {"id": "a", "name": "a", "tenant_type": "cloud"},
            {"id": "own", "name": "own", "tenant_type": "cloud", "database_url": URL}]));
        let (inner, outer) = (Secret::new(INNER), Secret::new(OUTER));
        let put = |which: &str, open| {
            changed(&project, |entries| entries.put_addresses(&id(which), &inner, Some(&outer), open))
        };
        let json = put("a", true);
        assert_eq!(json["tenants"][0][MAIN], OUTER);
        assert_eq!(
            (&json["tenants"][0][INSIDE], &json["tenants"][0]["external_db_access"]),
            (&json!(INNER), &json!(true))
        );
        let json = put("a", false);
        assert_eq!((&json["tenants"][0][INSIDE], json["tenants"][0].get(MAIN)), (&json!(INNER), None));
        assert_eq!(put("own", true)["tenants"][1][MAIN], URL, "an address of another database is somebody's own");
        assert_eq!(put("nobody", true)["tenants"].as_array().map(Vec::len), Some(2));
        let starred = Secret::new("postgres://t:***@sp-postgres.internal:5432/site");
        let json = changed(&project, |entries| entries.put_addresses(&id("a"), &starred, None, false));
        assert_eq!(json["tenants"][0][INSIDE], INNER);
    }

    #[test]
    fn access_is_switched_and_the_password_comes_from_the_file() {
        let (_folder, project) =
            project(&json!([{"id": "a", "name": "a", "tenant_type": "cloud", "internal_database_url": INNER}]));
        let shown = "postgres://t_out:***@outer:1/site";
        let json = changed(&project, |entries| entries.switch_access(&id("a"), true, shown, None));
        assert_eq!(json["tenants"][0][MAIN], "postgres://t_out:h8T@outer:1/site");
        assert_eq!(json["tenants"][0]["external_db_access"], true);
        let json = changed(&project, |entries| entries.switch_access(&id("a"), false, shown, None));
        assert_eq!((json["tenants"][0].get(MAIN), &json["tenants"][0]["external_db_access"]), (None, &json!(false)));
        let found = change(&project, |entries| Ok::<_, WorkspaceError>(entries.addresses(&id("a")))).expect("read");
        assert_eq!(found.0.as_ref().map(Secret::reveal), Some(INNER));
        let json = changed(&project, |entries| entries.remove_cloud(&id("a")));
        assert_eq!(json["tenants"], json!([]));
    }
}
