# Role for alice@example.com, with tokens from https://id.example.com/alice.

data "aws_partition" "alice" {}

resource "aws_iam_openid_connect_provider" "alice" {
  url            = "https://id.example.com/alice"
  client_id_list = ["https://id.example.com/alice"]
}

resource "aws_iam_role" "alice" {
  name                 = "aws-vault-alice"
  max_session_duration = 28800
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect = "Allow"
      Principal = {
        Federated = aws_iam_openid_connect_provider.alice.arn
      }
      Action = [
        "sts:AssumeRoleWithWebIdentity",
        "sts:SetSourceIdentity",
        "sts:TagSession",
      ]
      Condition = {
        StringEquals = {
          "id.example.com/alice:aud" = "https://id.example.com/alice"
          "id.example.com/alice:sub" = "alice@example.com"
          "sts:RoleSessionName"      = "$${id.example.com/alice:sub}"
        }
        Bool = {
          "sts:RoleAuthorizedByIdp" = "true"
        }
      }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "alice" {
  for_each = toset([
    "arn:${data.aws_partition.alice.partition}:iam::aws:policy/ReadOnlyAccess",
    "arn:${data.aws_partition.alice.partition}:iam::aws:policy/job-function/SystemAdministrator",
    "arn:aws:iam::123456789012:policy/team/deploy",
  ])
  role       = aws_iam_role.alice.name
  policy_arn = each.value
}

output "alice_role_arn" {
  value = aws_iam_role.alice.arn
}
