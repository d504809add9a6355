# Role for alice@example.com, assumed from arn:aws:iam::123456789012:role/aws-vault-alice.

data "aws_partition" "alice" {}

resource "aws_iam_role" "alice" {
  name                 = "aws-vault-alice"
  max_session_duration = 3600
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect = "Allow"
      Principal = {
        AWS = "arn:aws:iam::123456789012:role/aws-vault-alice"
      }
      Action = [
        "sts:AssumeRole",
        "sts:SetSourceIdentity",
        "sts:TagSession",
      ]
      Condition = {
        StringEquals = {
          "aws:SourceIdentity" = "alice@example.com"
          "aws:PrincipalOrgID" = "o-a1b2c3d4e5"
        }
      }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "alice" {
  for_each   = toset(["arn:${data.aws_partition.alice.partition}:iam::aws:policy/PowerUserAccess"])
  role       = aws_iam_role.alice.name
  policy_arn = each.value
}

output "alice_role_arn" {
  value = aws_iam_role.alice.arn
}
