# Role for alice@example.com, with tokens from https://id.example.com/alice.

data "aws_partition" "alice" {}

resource "aws_iam_openid_connect_provider" "alice" {
  url            = "https://id.example.com/alice"
  client_id_list = ["https://id.example.com/alice"]
}

resource "aws_iam_role" "alice" {
  name                 = "aws-vault-alice"
  max_session_duration = 3600
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

resource "aws_iam_role_policy" "alice" {
  name = "aws-vault-alice"
  role = aws_iam_role.alice.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect = "Allow"
      Action = [
        "sts:AssumeRole",
        "sts:SetSourceIdentity",
        "sts:TagSession",
      ]
      Resource = [
        "arn:${data.aws_partition.alice.partition}:iam::210987654321:role/aws-vault-alice",
        "arn:${data.aws_partition.alice.partition}:iam::333333333333:role/aws-vault-alice",
      ]
    }]
  })
}

output "alice_role_arn" {
  value = aws_iam_role.alice.arn
}
