//! SQL of how an ISP sends messages.

use crate::db::TenantTx;
use crate::notifications::{Security, SmsMethod, SmsType, Wording};

/// The row of an ISP, secrets sealed.
pub struct SettingsRow {
    pub smtp_host: String,
    pub smtp_port: i32,
    pub smtp_security: Security,
    pub smtp_authority: String,
    pub smtp_user: String,
    pub smtp_password: Option<Vec<u8>>,
    pub from_name: String,
    pub from_address: String,
    pub reply_to: String,
    pub sms_url: String,
    pub sms_method: SmsMethod,
    pub sms_type: SmsType,
    pub sms_body: String,
    pub sms_header: String,
    pub sms_credential: Option<Vec<u8>>,
}

impl Default for SettingsRow {
    fn default() -> Self {
        Self {
            smtp_host: String::new(),
            smtp_port: 587,
            smtp_security: Security::Starttls,
            smtp_authority: String::new(),
            smtp_user: String::new(),
            smtp_password: None,
            from_name: String::new(),
            from_address: String::new(),
            reply_to: String::new(),
            sms_url: String::new(),
            sms_method: SmsMethod::Post,
            sms_type: SmsType::Json,
            sms_body: String::new(),
            sms_header: String::new(),
            sms_credential: None,
        }
    }
}

pub async fn settings(tx: &mut TenantTx) -> Result<SettingsRow, sqlx::Error> {
    let row = sqlx::query_as!(
        SettingsRow,
        r#"SELECT smtp_host, smtp_port, smtp_security AS "smtp_security: _", smtp_authority, smtp_user, smtp_password, from_name,
                  from_address, reply_to, sms_url, sms_method AS "sms_method: _", sms_type AS "sms_type: _", sms_body, sms_header,
                  sms_credential
           FROM message_settings"#
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.unwrap_or_default())
}

pub async fn save(tx: &mut TenantTx, row: &SettingsRow) -> Result<(), sqlx::Error> {
    let (tenant, at) = (tx.tenant(), tx.at());
    sqlx::query!(
        "INSERT INTO message_settings (tenant_id, smtp_host, smtp_port, smtp_security, smtp_authority, smtp_user, smtp_password,
                from_name, from_address, reply_to, sms_url, sms_method, sms_type, sms_body, sms_header, sms_credential, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
         ON CONFLICT (tenant_id) DO UPDATE SET smtp_host = $2, smtp_port = $3, smtp_security = $4, smtp_authority = $5, smtp_user = $6,
                smtp_password = $7, from_name = $8, from_address = $9, reply_to = $10, sms_url = $11, sms_method = $12, sms_type = $13,
                sms_body = $14, sms_header = $15, sms_credential = $16, updated_at = $17",
        tenant.uuid(),
        row.smtp_host,
        row.smtp_port,
        row.smtp_security.name(),
        row.smtp_authority,
        row.smtp_user,
        row.smtp_password,
        row.from_name,
        row.from_address,
        row.reply_to,
        row.sms_url,
        row.sms_method.name(),
        row.sms_type.name(),
        row.sms_body,
        row.sms_header,
        row.sms_credential,
        at
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Whether a built-in message goes by e-mail and by short message, where the ISP has chosen.
pub async fn switches(tx: &mut TenantTx) -> Result<Vec<(String, bool, bool)>, sqlx::Error> {
    let rows = sqlx::query!("SELECT template, email, sms FROM message_switches").fetch_all(tx.conn()).await?;
    Ok(rows.into_iter().map(|row| (row.template, row.email, row.sms)).collect())
}

pub async fn save_switch(tx: &mut TenantTx, template: &str, email: bool, sms: bool) -> Result<(), sqlx::Error> {
    let (tenant, at) = (tx.tenant(), tx.at());
    sqlx::query!(
        "INSERT INTO message_switches (tenant_id, template, email, sms, updated_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (tenant_id, template) DO UPDATE SET email = $3, sms = $4, updated_at = $5",
        tenant.uuid(),
        template,
        email,
        sms,
        at
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The ISP's own words, with the message they are of.
pub async fn wordings(tx: &mut TenantTx) -> Result<Vec<(String, Wording)>, sqlx::Error> {
    let rows =
        sqlx::query!("SELECT template, language, subject, intro FROM message_wordings ORDER BY template, language")
            .fetch_all(tx.conn())
            .await?;
    let wording = |language, subject, intro| Wording { language, subject, intro };
    Ok(rows.into_iter().map(|row| (row.template, wording(row.language, row.subject, row.intro))).collect())
}

pub async fn save_wording(tx: &mut TenantTx, template: &str, wording: &Wording) -> Result<(), sqlx::Error> {
    let (tenant, at) = (tx.tenant(), tx.at());
    sqlx::query!(
        "INSERT INTO message_wordings (tenant_id, template, language, subject, intro, updated_at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (tenant_id, template, language) DO UPDATE SET subject = $4, intro = $5, updated_at = $6",
        tenant.uuid(),
        template,
        wording.language,
        wording.subject,
        wording.intro,
        at
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn delete_wording(tx: &mut TenantTx, template: &str, language: &str) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM message_wordings WHERE template = $1 AND language = $2", template, language)
        .execute(tx.conn())
        .await?;
    Ok(())
}
