-- The application itself, then ratios, then ratios with the histories. The star is every raw column that may be a feature.
-- Amounts enter as logarithms and ratios are bounded, so that one enormous income does not bend a linear model.
SELECT
  *,
  (COALESCE(EXT_SOURCE_1, 0) + COALESCE(EXT_SOURCE_2, 0) + COALESCE(EXT_SOURCE_3, 0))
    / NULLIF(CASE WHEN EXT_SOURCE_1 IS NULL THEN 0 ELSE 1 END + CASE WHEN EXT_SOURCE_2 IS NULL THEN 0 ELSE 1 END
      + CASE WHEN EXT_SOURCE_3 IS NULL THEN 0 ELSE 1 END, 0) AS ext_source_mean,  -- Mean external score | Score externe moyen
  LEAST(EXT_SOURCE_1, EXT_SOURCE_2, EXT_SOURCE_3) AS ext_source_min,  -- Lowest external score | Score externe le plus bas
  GREATEST(EXT_SOURCE_1, EXT_SOURCE_2, EXT_SOURCE_3) AS ext_source_max,  -- Highest external score | Score externe le plus haut
  GREATEST(EXT_SOURCE_1, EXT_SOURCE_2, EXT_SOURCE_3) - LEAST(EXT_SOURCE_1, EXT_SOURCE_2, EXT_SOURCE_3) AS ext_source_spread,  -- Spread of external scores | Écart entre scores externes
  EXT_SOURCE_1 * EXT_SOURCE_2 * EXT_SOURCE_3 AS ext_source_product,  -- Product of external scores | Produit des scores externes
  EXT_SOURCE_2 * EXT_SOURCE_3 AS ext_source_product_2_3,  -- Product of external scores 2 and 3 | Produit des scores externes 2 et 3
  CASE WHEN EXT_SOURCE_1 IS NULL THEN 1 ELSE 0 END AS ext_source_1_missing,  -- External score 1 is missing | Score externe 1 absent
  CASE WHEN EXT_SOURCE_3 IS NULL THEN 1 ELSE 0 END AS ext_source_3_missing,  -- External score 3 is missing | Score externe 3 absent
  AMT_CREDIT / NULLIF(AMT_ANNUITY, 0) AS credit_to_annuity,  -- Credit in instalments (months) | Crédit en nombre de mensualités
  LEAST(AMT_CREDIT / NULLIF(AMT_GOODS_PRICE, 0), 3) AS credit_to_goods,  -- Credit to price of goods | Crédit sur prix du bien
  (AMT_CREDIT - AMT_GOODS_PRICE) / NULLIF(AMT_ANNUITY, 0) AS credit_over_goods_instalments,  -- Credit beyond the goods, in instalments | Crédit au-delà du bien, en mensualités
  LEAST(AMT_ANNUITY / NULLIF(AMT_INCOME_TOTAL, 0), 1) AS annuity_to_income,  -- Instalment to income | Mensualité sur revenu
  LEAST(AMT_CREDIT / NULLIF(AMT_INCOME_TOTAL, 0), 20) AS credit_to_income,  -- Credit to income | Crédit sur revenu
  LEAST(AMT_GOODS_PRICE / NULLIF(AMT_INCOME_TOTAL, 0), 20) AS goods_to_income,  -- Price of goods to income | Prix du bien sur revenu
  LN(GREATEST(AMT_INCOME_TOTAL, 1)) AS income_log,  -- Income (logarithm) | Revenu (logarithme)
  LN(GREATEST(AMT_CREDIT, 1)) AS credit_log,  -- Credit amount (logarithm) | Montant du crédit (logarithme)
  LN(GREATEST(AMT_ANNUITY, 1)) AS annuity_log,  -- Instalment (logarithm) | Mensualité (logarithme)
  LN(GREATEST(AMT_GOODS_PRICE, 1)) AS goods_log,  -- Price of goods (logarithm) | Prix du bien (logarithme)
  LN(GREATEST(AMT_INCOME_TOTAL / NULLIF(CNT_FAM_MEMBERS, 0), 1)) AS income_per_person_log,  -- Income per household member (logarithm) | Revenu par personne du foyer (logarithme)
  CNT_CHILDREN / NULLIF(CNT_FAM_MEMBERS, 0) AS children_share,  -- Children in the household (share) | Part d'enfants dans le foyer
  DAYS_EMPLOYED / NULLIF(DAYS_BIRTH, 0) AS employed_to_age,  -- Time in job to age | Ancienneté d'emploi sur âge
  SQRT(CAST(GREATEST(0 - DAYS_EMPLOYED, 0) AS DOUBLE) / 365.25) AS employed_root_years,  -- Time in job (root of years) | Ancienneté d'emploi (racine des années)
  CASE WHEN DAYS_EMPLOYED IS NULL THEN 1 ELSE 0 END AS not_employed,  -- Not employed | Sans emploi
  DAYS_REGISTRATION / NULLIF(DAYS_BIRTH, 0) AS registration_to_age,  -- Time at registered address to age | Ancienneté d'adresse sur âge
  DAYS_ID_PUBLISH / NULLIF(DAYS_BIRTH, 0) AS identity_paper_to_age,  -- Age of identity paper to age | Ancienneté de la pièce d'identité sur âge
  DAYS_LAST_PHONE_CHANGE / NULLIF(DAYS_BIRTH, 0) AS phone_change_to_age,  -- Time with the phone to age | Ancienneté du téléphone sur âge
  DAYS_LAST_PHONE_CHANGE / NULLIF(DAYS_EMPLOYED, 0) AS phone_change_to_employed,  -- Time with the phone to time in job | Ancienneté du téléphone sur celle de l'emploi
  OWN_CAR_AGE / NULLIF(0 - CAST(DAYS_BIRTH AS DOUBLE) / 365.25, 0) AS car_age_to_age,  -- Age of car to age | Âge de la voiture sur âge
  CASE WHEN FLAG_OWN_CAR = 'N' THEN 0 WHEN OWN_CAR_AGE IS NULL THEN 0 ELSE 1 / (1 + OWN_CAR_AGE) END AS car_newness,  -- Newness of the car (1 is new, 0 is none) | Nouveauté de la voiture (1 neuve, 0 aucune)
  AMT_CREDIT / NULLIF(AMT_ANNUITY, 0) / 12 - CAST(DAYS_BIRTH AS DOUBLE) / 365.25 AS age_at_last_instalment,  -- Age at the last instalment (years) | Âge à la dernière mensualité (années)
  FLAG_DOCUMENT_2 + FLAG_DOCUMENT_3 + FLAG_DOCUMENT_4 + FLAG_DOCUMENT_5 + FLAG_DOCUMENT_6 + FLAG_DOCUMENT_7 + FLAG_DOCUMENT_8
    + FLAG_DOCUMENT_9 + FLAG_DOCUMENT_10 + FLAG_DOCUMENT_11 + FLAG_DOCUMENT_12 + FLAG_DOCUMENT_13 + FLAG_DOCUMENT_14
    + FLAG_DOCUMENT_15 + FLAG_DOCUMENT_16 + FLAG_DOCUMENT_17 + FLAG_DOCUMENT_18 + FLAG_DOCUMENT_19 + FLAG_DOCUMENT_20
    + FLAG_DOCUMENT_21 AS documents_provided,  -- Documents provided | Documents fournis
  REG_REGION_NOT_LIVE_REGION + REG_REGION_NOT_WORK_REGION + LIVE_REGION_NOT_WORK_REGION + REG_CITY_NOT_LIVE_CITY
    + REG_CITY_NOT_WORK_CITY + LIVE_CITY_NOT_WORK_CITY AS address_mismatches,  -- Addresses that do not match | Adresses discordantes
  FLAG_EMP_PHONE + FLAG_WORK_PHONE + FLAG_CONT_MOBILE + FLAG_PHONE + FLAG_EMAIL AS contact_channels,  -- Ways to reach the applicant | Moyens de joindre le demandeur
  DEF_30_CNT_SOCIAL_CIRCLE / NULLIF(OBS_30_CNT_SOCIAL_CIRCLE, 0) AS circle_default_share,  -- Share of acquaintances 30 days late | Part de l'entourage à 30 jours de retard
  AMT_REQ_CREDIT_BUREAU_HOUR + AMT_REQ_CREDIT_BUREAU_DAY + AMT_REQ_CREDIT_BUREAU_WEEK + AMT_REQ_CREDIT_BUREAU_MON
    + AMT_REQ_CREDIT_BUREAU_QRT AS recent_enquiries,  -- Bureau enquiries, last quarter | Consultations du bureau, dernier trimestre
  CASE WHEN AMT_REQ_CREDIT_BUREAU_YEAR IS NULL THEN 1 ELSE 0 END AS enquiries_unknown,  -- Bureau enquiries unknown | Consultations du bureau inconnues
  CASE WHEN TOTALAREA_MODE IS NULL THEN 1 ELSE 0 END AS building_unknown,  -- Building not described | Immeuble non décrit
  (COALESCE(EXT_SOURCE_1, 0) + COALESCE(EXT_SOURCE_2, 0) + COALESCE(EXT_SOURCE_3, 0)) * AMT_CREDIT / NULLIF(AMT_ANNUITY, 0) AS ext_source_by_term,  -- External scores by credit length | Scores externes par durée du crédit
  (COALESCE(EXT_SOURCE_1, 0) + COALESCE(EXT_SOURCE_2, 0) + COALESCE(EXT_SOURCE_3, 0)) * DAYS_BIRTH / -365.25 AS ext_source_by_age,  -- External scores by age | Scores externes par âge
  EXT_SOURCE_3 * DAYS_EMPLOYED / -365.25 AS ext_source_3_by_employed,  -- External score 3 by time in job | Score externe 3 par ancienneté d'emploi
  CASE WHEN bureau_loans IS NULL THEN 1 ELSE 0 END AS bureau_unknown,  -- Unknown to the credit bureau | Inconnu du bureau de crédit
  CASE WHEN previous_applications IS NULL THEN 1 ELSE 0 END AS first_application,  -- First application to this lender | Première demande chez ce prêteur
  LEAST(bureau_active_debt / NULLIF(AMT_INCOME_TOTAL, 0), 50) AS bureau_debt_to_income,  -- Debt elsewhere to income | Encours ailleurs sur revenu
  LEAST(bureau_active_debt / NULLIF(AMT_CREDIT, 0), 50) AS bureau_debt_to_this_credit,  -- Debt elsewhere to this credit | Encours ailleurs sur ce crédit
  LEAST(bureau_overdue / NULLIF(AMT_INCOME_TOTAL, 0), 10) AS bureau_overdue_to_income,  -- Overdue elsewhere to income | Impayés ailleurs sur revenu
  LEAST((AMT_ANNUITY + COALESCE(bureau_active_annuity, 0) + COALESCE(previous_running_annuity, 0)) / NULLIF(AMT_INCOME_TOTAL, 0), 5) AS all_annuities_to_income,  -- All instalments to income | Ensemble des mensualités sur revenu
  LEAST(AMT_CREDIT / NULLIF(previous_mean_credit, 0), 50) AS credit_to_previous_credit,  -- This credit to earlier credits | Ce crédit sur les crédits antérieurs
  LEAST(AMT_ANNUITY / NULLIF(previous_mean_annuity, 0), 50) AS annuity_to_previous_annuity,  -- This instalment to earlier instalments | Cette mensualité sur les précédentes
  LEAST(AMT_ANNUITY / NULLIF(instalments_mean_amount, 0), 50) AS annuity_to_paid_instalment,  -- This instalment to instalments paid before | Cette mensualité sur les échéances passées
  LEAST(instalments_paid_last_year / NULLIF(AMT_INCOME_TOTAL, 0), 10) AS paid_last_year_to_income,  -- Repaid in the last year to income | Remboursé depuis un an sur revenu
  LEAST(card_recent_balance / NULLIF(AMT_INCOME_TOTAL, 0), 10) AS card_balance_to_income,  -- Card balance to income | Encours de carte sur revenu
  (COALESCE(bureau_loans_last_year, 0) + COALESCE(previous_applications_last_year, 0)) AS credit_requests_last_year  -- Loans and requests in the last year | Crédits et demandes depuis un an
FROM application
