// Prints the ARN of the caller whose credentials the JavaScript SDK finds in the environment, or
// in the profile named by the second argument. The first argument is the endpoint.
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { fromEnv, fromIni } from "@aws-sdk/credential-providers";

const [endpoint, profile] = process.argv.slice(2);
const credentials = profile ? fromIni({ profile }) : fromEnv();
const sts = new STSClient({ endpoint, credentials, region: "eu-central-1" });
const { Arn } = await sts.send(new GetCallerIdentityCommand({}));
console.log(Arn);
