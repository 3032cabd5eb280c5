//! A project whose stored login names a Management API.

/// The token of the login: it must never be seen.
pub const TOKEN: &str = "t0p-s3cret";

/// A project whose stored login names `api_url`.
pub fn project(api_url: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir_all(folder.path().join(".systemprompt")).expect("made");
    std::fs::create_dir_all(folder.path().join("services")).expect("made");
    let login = serde_json::json!({"api_token": TOKEN, "api_url": api_url, "user_email": "mara@orchard.example"});
    std::fs::write(folder.path().join(".systemprompt/credentials.json"), login.to_string()).expect("written");
    folder
}
