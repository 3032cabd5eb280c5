//! Which layer a file of an archive is, as far as its name proves it before it was read.
//!
//! Up to Docker 24 a layer's directory is named by a hash over what it stands on (`image/v1` of the engine). The hash
//! can be made again from the layer's `json` and the image's layers: where it comes out right, the name is a proof,
//! and where it does not, nothing is claimed.

use crate::model::{Digest, Hasher};

/// The layers of one image.
pub(super) struct Names<'a> {
    diff_ids: &'a [Digest],
    /// Each stands for a layer and everything below it.
    chain_ids: Vec<Digest>,
}

impl<'a> Names<'a> {
    pub(super) fn new(diff_ids: &'a [Digest]) -> Self {
        let mut chain_ids: Vec<Digest> = Vec::with_capacity(diff_ids.len());
        for diff_id in diff_ids {
            let chain_id = match chain_ids.last() {
                Some(below) => Hasher::digest(format!("{below} {diff_id}").as_bytes()),
                None => diff_id.clone(),
            };
            chain_ids.push(chain_id);
        }
        Self { diff_ids, chain_ids }
    }

    /// The digest of the layer's plain content. `json` is the file beside it.
    pub(super) fn diff_id(&self, name: &str, json: Option<&[u8]>) -> Option<Digest> {
        let own = name.strip_prefix("blobs/sha256/").or_else(|| name.strip_suffix(".tar"));
        if let Some(known) = self.diff_ids.iter().find(|diff_id| Some(diff_id.hex()) == own) {
            return Some(known.clone());
        }
        let directory = name.strip_suffix("/layer.tar")?;
        let mut fields = fields(std::str::from_utf8(json?).ok()?)?;
        let parent =
            fields.iter().find(|(key, _)| *key == "parent").map(|(_, value)| value.trim_matches('"').to_owned());
        fields.retain(|(key, _)| !["id", "parent"].contains(key));
        let chain = self.chain_ids.iter().position(|chain_id| {
            // The engine adds the system's name afterwards to every layer but the uppermost.
            [true, false].into_iter().any(|with_os| {
                let mut all: Vec<(&str, String)> = fields
                    .iter()
                    .filter(|(key, _)| with_os || *key != "os")
                    .map(|(key, value)| (*key, (*value).to_owned()))
                    .collect();
                all.push(("layer_id", format!("\"{chain_id}\"")));
                if let Some(parent) = &parent {
                    all.push(("parent", format!("\"sha256:{parent}\"")));
                }
                all.sort_unstable();
                let text: Vec<String> = all.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
                Hasher::digest(format!("{{{}}}", text.join(",")).as_bytes()).hex() == directory
            })
        })?;
        self.diff_ids.get(chain).cloned()
    }
}

/// The fields of a JSON object with their values as they stand there: the hash is over these very bytes.
fn fields(json: &str) -> Option<Vec<(&str, &str)>> {
    let mut rest = json.trim().strip_prefix('{')?.strip_suffix('}')?;
    let mut found = Vec::new();
    while !rest.is_empty() {
        let (key, after) = rest.strip_prefix('"')?.split_once("\":")?;
        let (mut depth, mut is_text, mut is_escaped) = (0_u32, false, false);
        let end = after.bytes().position(|byte| {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' if is_text => is_escaped = true,
                b'"' => is_text = !is_text,
                _ if is_text => {}
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth = depth.saturating_sub(1),
                b',' => return depth == 0,
                _ => {}
            }
            false
        });
        let (value, next) = match end {
            Some(end) => (after.get(..end)?, after.get(end + 1..)?),
            None => (after, ""),
        };
        found.push((key, value));
        rest = next;
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    // As Docker Engine 20.10 wrote it.
    const LOWEST: &str = concat!(
        r#"{"id":"e8f145595b45ca91943caead51c075f2444eab2af6ae7fb5d42f65711cbab31e","created":"1970-01-01T00:00:00Z","#,
        r#""container_config":{"Hostname":"","Domainname":"","User":"","AttachStdin":false,"AttachStdout":false,"#,
        r#""AttachStderr":false,"Tty":false,"OpenStdin":false,"StdinOnce":false,"Env":null,"Cmd":null,"Image":"","#,
        r#""Volumes":null,"WorkingDir":"","Entrypoint":null,"OnBuild":null,"Labels":null},"os":"linux"}"#
    );

    fn diff_ids() -> Vec<Digest> {
        [
            "sha256:da561480f641910b0ed002d302e92baab41142bd391aa637dea3245b44de1bf1",
            "sha256:45a1295b7f7f23685f90a0bb124dad5eb801442c1666b13be738dd82c877cda6",
        ]
        .map(|raw| Digest::new(raw).unwrap())
        .to_vec()
    }

    #[test]
    fn a_recorded_name_proves_its_layer() {
        let diff_ids = diff_ids();
        let names = Names::new(&diff_ids);
        let name = "e8f145595b45ca91943caead51c075f2444eab2af6ae7fb5d42f65711cbab31e/layer.tar";
        assert_eq!(names.diff_id(name, Some(LOWEST.as_bytes())), diff_ids.first().cloned());
        let parent = "\"parent\":\"e8f145595b45ca91943caead51c075f2444eab2af6ae7fb5d42f65711cbab31e\",\"created\"";
        let second = LOWEST.replace("\"created\"", parent);
        let name = "c7b9589a7fbe189eee7ae66121b92ca5753e1b97795ba055d227138aec59a86a/layer.tar";
        assert_eq!(names.diff_id(name, Some(second.as_bytes())), diff_ids.get(1).cloned());
    }

    #[test]
    fn what_is_not_proved_is_not_claimed() {
        let diff_ids = diff_ids();
        let names = Names::new(&diff_ids);
        let name = "e8f145595b45ca91943caead51c075f2444eab2af6ae7fb5d42f65711cbab31e/layer.tar";
        for json in [LOWEST.replace("1970", "1971"), LOWEST.replace("id", "di"), "{".into(), "[]".into(), String::new()]
        {
            assert_eq!(names.diff_id(name, Some(json.as_bytes())), None, "{json}");
        }
        assert_eq!(names.diff_id(name, None), None);
        assert_eq!(names.diff_id("blobs/sha256/00", None), None);
    }

    #[test]
    fn a_name_that_is_the_digest_needs_no_proof() {
        let diff_ids = diff_ids();
        let names = Names::new(&diff_ids);
        for name in [format!("blobs/sha256/{}", diff_ids[1].hex()), format!("{}.tar", diff_ids[1].hex())] {
            assert_eq!(names.diff_id(&name, None), diff_ids.get(1).cloned());
        }
    }

    #[test]
    fn values_are_cut_out_as_they_stand() {
        let cut = fields(r#"{"a":"x,\"}","b":{"c":[1,{"d":2}]},"e":null}"#);
        assert_eq!(cut, Some(vec![("a", r#""x,\"}""#), ("b", r#"{"c":[1,{"d":2}]}"#), ("e", "null")]));
    }
}
