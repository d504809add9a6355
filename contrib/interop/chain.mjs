// Prints the ARN of the caller whose credentials the JavaScript SDK finds in its default chain. The first
// argument is the endpoint. The second, if any, is how many milliseconds to repeat the call for.
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { fromNodeProviderChain } from "@aws-sdk/credential-providers";

const [endpoint, life = "0"] = process.argv.slice(2);
const sts = new STSClient({ endpoint, credentials: fromNodeProviderChain(), region: "eu-central-1" });
const end = Date.now() + Number(life);
do {
  const { Arn } = await sts.send(new GetCallerIdentityCommand({}));
  if (life === "0") console.log(Arn);
  else await new Promise((resolve) => setTimeout(resolve, 200));
} while (Date.now() < end);
