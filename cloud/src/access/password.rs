//! Passwords: argon2id at 19 MiB, 2 passes, 1 lane; hashed away from the request threads, a bounded number at once.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};

use super::Error;
use crate::app::App;

/// Fewest characters of a password.
const LENGTH_MIN: usize = 12;
/// Most bytes of a password: longer ones only cost time.
const LENGTH_MAX: usize = 128;

/// A hash nobody's password has: checked when there is no such log-in, so that the answer takes as long.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5bm9ib2R5bm9ib2R5$0jZ8kxn8yfmX7Jm3t1mS0m8mVg3mUjzq9cKx3m3m3mM";

/// Refuses passwords that are too short or too long to hash.
pub fn check(password: &str) -> Result<(), Error> {
    if password.chars().count() < LENGTH_MIN {
        return Err(Error::Invalid("password", format!("must have at least {LENGTH_MIN} characters")));
    }
    if password.len() > LENGTH_MAX {
        return Err(Error::Invalid("password", format!("must have at most {LENGTH_MAX} bytes")));
    }
    Ok(())
}

/// Hashes a password for storage.
pub async fn hash(app: &App, password: String) -> Result<String, Error> {
    off_thread(app, move || {
        hasher()?
            .hash_password(password.as_bytes())
            .map(|hash| hash.to_string())
            .map_err(|error| Error::Hashing(error.to_string()))
    })
    .await
}

/// Whether the password is the one hashed; with no hash it takes as long and is not.
pub async fn is(app: &App, password: String, hash: Option<String>) -> Result<bool, Error> {
    off_thread(app, move || {
        let known = hash.is_some();
        let text = hash.unwrap_or_else(|| NOBODY.to_owned());
        let parsed = PasswordHash::new(&text).map_err(|error| Error::Hashing(error.to_string()))?;
        let same = password.len() <= LENGTH_MAX && hasher()?.verify_password(password.as_bytes(), &parsed).is_ok();
        Ok(same && known)
    })
    .await
}

fn hasher() -> Result<Argon2<'static>, Error> {
    let params = Params::new(19 * 1024, 2, 1, None).map_err(|error| Error::Hashing(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

async fn off_thread<T: Send + 'static>(
    app: &App,
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let place = tokio::time::timeout(std::time::Duration::from_secs(5), app.password_hashing.clone().acquire_owned());
    let place = place.await.map_err(|_| Error::Busy)?.map_err(|_| Error::Busy)?;
    let worked = tokio::task::spawn_blocking(move || {
        let result = work();
        drop(place);
        result
    });
    worked.await.map_err(|error| Error::Hashing(error.to_string()))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_nobody_can_be_checked_against() {
        assert!(PasswordHash::new(NOBODY).is_ok());
    }
}
