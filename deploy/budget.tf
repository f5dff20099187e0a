# A letter before the month is dear. Of the whole account: AWS counts by tag only once somebody has switched that on.

resource "aws_budgets_budget" "month" {
  count        = var.budget_email == "" ? 0 : 1
  name         = "${var.project}-${local.region}" # an account has one list of budgets for all regions
  budget_type  = "COST"
  time_unit    = "MONTHLY"
  limit_amount = tostring(var.budget_usd)
  limit_unit   = "USD"

  dynamic "notification" {
    for_each = { ACTUAL = 80, FORECASTED = 100 }

    content {
      notification_type          = notification.key
      comparison_operator        = "GREATER_THAN"
      threshold                  = notification.value
      threshold_type             = "PERCENTAGE"
      subscriber_email_addresses = [var.budget_email]
    }
  }
}
