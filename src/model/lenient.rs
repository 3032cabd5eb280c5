//! Reading what other servers write a little differently: a number with a fraction where a whole one is meant, `null`
//! for what is absent, one odd entry in a list.
//!
//! Serde helpers only. Must not know a single type of the API.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Number, Value};

use super::{Secret, text};

/// A whole number; fractions are rounded, `null` is 0, and what is too large for it is the largest.
pub fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    Ok(whole_opt(deserializer)?.unwrap_or_default())
}

/// The same where absence means something.
pub fn whole_opt<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    #[allow(clippy::cast_possible_truncation, reason = "what is too large saturates")]
    let whole = |number: Number| {
        number.as_i64().unwrap_or_else(|| number.as_f64().map_or(i64::MAX, |fraction| fraction.round() as i64))
    };
    Ok(Option::<Number>::deserialize(deserializer)?.map(whole))
}

/// A whole number from 0, in what it is counted in; `null` is 0, and what does not fit is the nearest that does.
pub fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    Ok(count_opt(deserializer)?.unwrap_or_default())
}

/// The same where absence means something.
pub fn count_opt<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    Ok(whole_opt(deserializer)?.map(|whole| u32::try_from(whole.max(0)).unwrap_or(u32::MAX)))
}

/// Harmless text on one line; `null` is empty.
pub fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(|raw| text::line(&raw)).unwrap_or_default())
}

/// An object in which a field may have an older name. Where both are there, as servers that serve old and new clients have
/// it, the newer one counts.
pub fn renamed<'de, D: Deserializer<'de>>(deserializer: D, names: &[(&str, &str)]) -> Result<Value, D::Error> {
    let mut value = Value::deserialize(deserializer)?;
    if let Value::Object(map) = &mut value {
        for (older, newer) in names {
            let Some(said) = map.remove(*older) else { continue };
            if map.get(*newer).is_none_or(Value::is_null) {
                map.insert((*newer).to_owned(), said);
            }
        }
    }
    Ok(value)
}

/// Reads and writes a type that is derived with `#[serde(remote = "Self")]`, with fields that may have an older name. Serde's
/// own `alias` refuses an object that has both.
macro_rules! older_names {
    ($type:ty, $($older:literal => $newer:literal),+) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                // The derived one, which is no method of the trait.
                Self::serialize(self, serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let value = $crate::model::lenient::renamed(deserializer, &[$(($older, $newer)),+])?;
                Self::deserialize(value).map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use older_names;

/// A number; `null` is 0.
pub fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::<f64>::deserialize(deserializer)?.unwrap_or_default())
}

/// A switch; `null` is off.
pub fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(Option::<bool>::deserialize(deserializer)?.unwrap_or_default())
}

/// A secret that is not empty. Anything else than text counts as none: an answer that comes only once must not be lost
/// for a field of it.
pub fn secret_opt<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(value) if !value.is_empty() => Some(Secret::new(value)),
        _ => None,
    })
}

/// What can be read, where it can be.
pub fn maybe<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Option<T>, D::Error> {
    Ok(serde_json::from_value(Value::deserialize(deserializer)?).ok())
}

/// A list without those entries that cannot be read; `null` is an empty one.
pub fn list<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let entries = Option::<Vec<Value>>::deserialize(deserializer)?.unwrap_or_default();
    Ok(entries.into_iter().filter_map(|entry| serde_json::from_value(entry).ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Odd {
        #[serde(default, deserialize_with = "whole")]
        whole: i64,
        #[serde(default, deserialize_with = "number")]
        number: f64,
        #[serde(default, deserialize_with = "count")]
        count: u32,
        #[serde(default, deserialize_with = "super::text")]
        text: String,
        #[serde(default, deserialize_with = "flag")]
        flag: bool,
        #[serde(default, deserialize_with = "secret_opt")]
        secret: Option<Secret>,
        #[serde(default, deserialize_with = "list")]
        list: Vec<u8>,
    }

    fn odd(json: &str) -> Odd {
        serde_json::from_str(json).expect(json)
    }

    #[test]
    fn absent_and_null_are_the_same() {
        let nulls = r#"{"whole": null, "number": null, "count": null, "text": null, "flag": null, "secret": null,
            "list": null}"#;
        for json in ["{}", nulls] {
            let Odd { whole, number, count, text, flag, secret, list } = odd(json);
            assert!(count == 0 && text.is_empty());
            assert!(whole == 0 && number.abs() < f64::EPSILON && !flag && secret.is_none() && list.is_empty());
        }
    }

    #[test]
    fn numbers_of_every_kind_are_whole_ones() {
        for (json, expected) in
            [("381", 381), ("381.5", 382), ("-2.4", -2), ("18446744073709551615", i64::MAX), ("1e300", i64::MAX)]
        {
            assert_eq!(odd(&format!(r#"{{"whole": {json}}}"#)).whole, expected, "{json}");
        }
        assert!(serde_json::from_str::<Odd>(r#"{"whole": "many"}"#).is_err());
        for (json, expected) in [("512", 512), ("512.0", 512), ("-1", 0), ("4294967296", u32::MAX)] {
            assert_eq!(odd(&format!(r#"{{"count": {json}}}"#)).count, expected, "{json}");
        }
    }

    #[test]
    fn the_newer_of_two_names_counts() {
        for (json, said) in [
            (r#"{"url": "old"}"#, Some("old")),
            (r#"{"url": "old", "app_url": null}"#, Some("old")),
            (r#"{"url": "old", "app_url": "new"}"#, Some("new")),
            (r#"{"url": null, "app_url": "new"}"#, Some("new")),
            ("{}", None),
        ] {
            let mut deserializer = serde_json::Deserializer::from_str(json);
            let value = renamed(&mut deserializer, &[("url", "app_url")]).expect(json);
            assert_eq!((value["app_url"].as_str(), value.get("url")), (said, None), "{json}");
        }
    }

    #[test]
    fn odd_entries_and_odd_secrets_take_nothing_else_with_them() {
        assert_eq!(odd(r#"{"list": [1, "two", 300, 4]}"#).list, [1, 4]);
        for value in ["5", "{}", "[]", "true", r#""""#] {
            assert!(odd(&format!(r#"{{"secret": {value}}}"#)).secret.is_none(), "{value}");
        }
    }
}
